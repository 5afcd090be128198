// AX's own services, hosted by WCF: Queries.exe PORT UNUSED_BUFFERED_PORT FOLDER
// The query service, streamed: rows of FOLDER/<Table>.tsv as an ADO.NET DataSet that System.Data itself writes.
// All else, buffered: FOLDER/<Operation>.xml is the answer to an operation, or FOLDER/<Operation>.fault the text of its fault.
using System;
using System.Collections.Generic;
using System.Data;
using System.Globalization;
using System.IO;
using System.Linq;
using System.ServiceModel;
using System.ServiceModel.Channels;
using System.ServiceModel.Description;
using System.ServiceModel.Dispatcher;
using System.Text;
using System.Threading;
using System.Xml;

namespace Peer {
  [ServiceContract(Name = "IAny", Namespace = "urn:any")]
  public interface IAny {
    [OperationContract(Action = "*", ReplyAction = "*")]
    Message Process(Message message);
  }

  [ServiceBehavior(InstanceContextMode = InstanceContextMode.Single, ConcurrencyMode = ConcurrencyMode.Multiple,
    AddressFilterMode = AddressFilterMode.Any, IncludeExceptionDetailInFaults = true)]
  public class Systems : IAny {
    const string Services = "http://tempuri.org/";
    readonly string folder;

    public Systems(string folder) { this.folder = folder; }

    public Message Process(Message message) {
      var action = message.Headers.Action;
      var operation = action.Substring(action.LastIndexOf('/') + 1);
      var request = new XmlDocument();
      request.Load(message.GetReaderAtBodyContents());
      Log(operation, Context(message), request.OuterXml);
      try {
        var known = Path.Combine(folder, operation + ".xml");
        var body = File.Exists(known) ? File.ReadAllText(known) : Answer(operation, request.DocumentElement);
        return Message.CreateMessage(message.Version, action + "Response", new XmlTextReader(new StringReader(body)));
      } catch (Refused refused) {
        var reason = new FaultReason(refused.Message);
        return Message.CreateMessage(message.Version, MessageFault.CreateFault(new FaultCode("Refused", "urn:any"), reason), action);
      }
    }

    static string Context(Message message) {
      var place = message.Headers.FindHeader("CallContext", "http://schemas.microsoft.com/dynamics/2010/01/datacontracts");
      return place < 0 ? "" : message.Headers.GetReaderAtHeader(place).ReadOuterXml();
    }

    void Log(params string[] what) {
      lock (this) File.AppendAllText(Path.Combine(folder, "calls.log"), string.Join("\t", what) + "\n");
    }

    string Answer(string operation, XmlElement request) {
      var fault = Path.Combine(folder, operation + ".fault");
      if (File.Exists(fault)) throw new Refused(File.ReadAllText(fault));
      var name = Name(request);
      var rows = new Rows(Path.Combine(folder, name + ".tsv"), name);
      rows.Narrow(request);
      if (operation.EndsWith("RowCount")) return Wrapped(operation, rows.Count(long.Parse(One(request, "rowCountLimit"))).ToString());
      int taken;
      var data = rows.Page(request, out taken);
      return Wrapped(operation, Written(data), rows.Following(request, taken));
    }

    static string Name(XmlElement request) {
      return One(request, "Table") ?? One(request, "queryName") ?? One(request, "queryBuilderName");
    }

    static string Written(DataSet data) { return Text(data.WriteXmlSchema) + Text(one => data.WriteXml(one, XmlWriteMode.DiffGram)); }

    static string Text(Action<XmlWriter> write) {
      var text = new StringBuilder();
      using (var writer = XmlWriter.Create(text, new XmlWriterSettings { OmitXmlDeclaration = true })) write(writer);
      return text.ToString();
    }

    static string Wrapped(string operation, string result, string more = "") {
      return "<" + operation + "Response xmlns='" + Services + "'><" + operation + "Result>" + result + "</" + operation + "Result>"
        + more + "</" + operation + "Response>";
    }

    public static string One(XmlElement request, string name) {
      var found = request.GetElementsByTagName(name, "*");
      return found.Count > 0 ? found[0].InnerText : null;
    }
  }

  class Refused : Exception { public Refused(string text) : base(text) { } }

  // A table: the first line holds Name:Type for each column, the others texts; \N is null, \x a field without a right.
  class Rows {
    readonly string name;
    readonly string[] names;
    readonly Type[] types;
    List<string[]> rows;

    public Rows(string file, string name) {
      if (!File.Exists(file)) throw new Refused("Access denied to table " + name + ".");
      this.name = name;
      var lines = File.ReadAllLines(file, Encoding.UTF8);
      var columns = lines[0].Split('\t').Select(one => one.Split(':')).ToList();
      names = columns.Select(one => one[0]).ToArray();
      types = columns.Select(one => Type.GetType("System." + one[1])).ToArray();
      rows = lines.Skip(1).Select(line => line.Split('\t')).ToList();
    }

    public long Count(long limit) { return Math.Min(limit, rows.Count); }

    public void Narrow(XmlElement request) {
      foreach (XmlElement range in request.GetElementsByTagName("QueryRangeMetadata", "*")) {
        var place = Array.IndexOf(names, Systems.One(range, "FieldName"));
        var text = Systems.One(range, "Value");
        if (place < 0 || Systems.One(range, "Enabled") != "true") throw new Refused("The range is not one: " + text);
        rows = rows.Where(row => Meets(row[place], text)).ToList();
      }
      var order = Systems.One(request, "OrderByFields") == null ? -1 : Array.IndexOf(names, Systems.One(
        (XmlElement)request.GetElementsByTagName("OrderByFields", "*")[0], "FieldName"));
      if (order >= 0 && types[order] == typeof(long)) rows = rows.OrderBy(row => long.Parse(row[order])).ToList();
    }

    static bool Meets(string value, string range) {
      var interval = range.IndexOf("..", StringComparison.Ordinal);
      if (interval < 0) return Parts(range).Contains(value, StringComparer.OrdinalIgnoreCase);
      var ends = new[] { range.Substring(0, interval), range.Substring(interval + 2) }.Select(one => Parts(one).First()).ToArray();
      return (ends[0] == "" || string.CompareOrdinal(value, ends[0]) >= 0) && (ends[1] == "" || string.CompareOrdinal(value, ends[1]) <= 0);
    }

    static IEnumerable<string> Parts(string text) {
      var part = new StringBuilder();
      var quoted = false;
      for (var place = 0; place < text.Length; place++) {
        if (text[place] == '"') quoted = !quoted;
        else if (text[place] == '\\' && quoted) part.Append(text[++place]);
        else if (text[place] == ',' && !quoted) { yield return part.ToString(); part.Clear(); }
        else part.Append(text[place]);
      }
      yield return part.ToString();
    }

    public DataSet Page(XmlElement request, out int taken) {
      var paging = (XmlElement)request.GetElementsByTagName("paging", "*")[0];
      var most = int.Parse(Systems.One(paging, "NumberOfRecordsToFetch") ?? Systems.One(paging, "RecordLimit"));
      if (most > 25000) throw new Refused("Too many records are asked for.");
      var page = rows.Skip(Start(paging)).Take(most).ToList();
      taken = page.Count;
      var data = new DataSet("Result");
      var table = data.Tables.Add(name);
      var wanted = Wanted(request);
      foreach (var place in wanted) table.Columns.Add(names[place].Replace('_', ' '), types[place]);
      foreach (var row in page) table.Rows.Add(wanted.Select(place => Value(row[place], types[place])).ToArray());
      data.AcceptChanges();
      return data;
    }

    int[] Wanted(XmlElement request) {
      var fields = request.GetElementsByTagName("QueryFieldMetadata", "*").Cast<XmlElement>().Select(one => Systems.One(one, "FieldName"));
      var found = fields.Select(one => Array.IndexOf(names, one)).ToArray();
      return found.Length > 0 ? found : Enumerable.Range(0, names.Length).ToArray();
    }

    static int Start(XmlElement paging) {
      var bookmark = Systems.One(paging, "Bookmark");
      if (bookmark != null) return BitConverter.ToInt32(Convert.FromBase64String(bookmark), 0);
      var start = Systems.One(paging, "StartingPosition");
      return start == null ? 0 : int.Parse(start) - 1;
    }

    public string Following(XmlElement request, int taken) {
      var paging = (XmlElement)request.GetElementsByTagName("paging", "*")[0];
      var kind = paging.GetAttribute("type", "http://www.w3.org/2001/XMLSchema-instance").Split(':').Last();
      var next = Start(paging) + taken;
      var inside = kind == "PositionBasedPaging" ? "<q:StartingPosition>" + (next + 1) + "</q:StartingPosition>"
        : next < rows.Count ? "<q:Bookmark>" + Convert.ToBase64String(BitConverter.GetBytes(next)) + "</q:Bookmark>"
        : "<q:Bookmark i:nil='true'/>";
      return "<paging xmlns:q='http://schemas.datacontract.org/2004/07/Microsoft.Dynamics.AX.Framework.Services.QueryService'"
        + " xmlns:i='http://www.w3.org/2001/XMLSchema-instance' i:type='q:" + kind + "'>" + inside + "</paging>";
    }

    static object Value(string text, Type type) {
      if (text == "\\N") return DBNull.Value;
      if (type == typeof(byte[])) return Convert.FromBase64String(text);
      if (type == typeof(Guid)) return new Guid(text);
      if (type == typeof(DateTime)) return DateTime.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind);
      return type == typeof(string) ? text.Replace("\\r", "\r").Replace("\\n", "\n") : Convert.ChangeType(text, type, CultureInfo.InvariantCulture);
    }
  }

  static class Program {
    static void Main(string[] given) {
      var host = new ServiceHost(new Systems(given[2]));
      for (var mode = 0; mode < 2; mode++) {
        var binding = new NetTcpBinding(SecurityMode.None) {
          MaxReceivedMessageSize = 64 << 20, ReaderQuotas = XmlDictionaryReaderQuotas.Max,
          TransferMode = mode == 0 ? TransferMode.Streamed : TransferMode.Buffered,
        };
        host.AddServiceEndpoint(typeof(IAny), binding, new Uri("net.tcp://127.0.0.1:" + given[mode] + "/DynamicsAx/Services/"
          + (mode == 0 ? "QueryService" : "UserSessionService")));
      }
      host.Description.Behaviors.Add(new ServiceThrottlingBehavior { MaxConcurrentSessions = 1000, MaxConcurrentCalls = 1000 });
      host.Open();
      foreach (ChannelDispatcher dispatcher in host.ChannelDispatchers)  // callers know another port than this one
        foreach (var endpoint in dispatcher.Endpoints) endpoint.AddressFilter = new MatchAllMessageFilter();
      Console.WriteLine("READY");
      Thread.Sleep(Timeout.Infinite);
    }
  }
}
