// AX's MetadataService, hosted by WCF: Dictionary.exe PORT FOLDER MOST_ITEMS
// FOLDER/<Kind>/<Name>.xml is what is told of a thing; labels.tsv holds language, id, text; languages.txt a language a line.
// An answer of more elements than MOST_ITEMS is refused as .NET refuses it. While FOLDER/<Operation>.wait is there, nothing is said.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.Serialization;
using System.ServiceModel;
using System.ServiceModel.Channels;
using System.ServiceModel.Description;
using System.Text.RegularExpressions;
using System.Threading;
using System.Xml;

namespace Peer {
  [ServiceContract(Name = "IAny", Namespace = "urn:any")]
  public interface IAny {
    [OperationContract(Action = "*", ReplyAction = "*")]
    Message Process(Message message);
  }

  [DataContract(Namespace = "http://schemas.micosoft.com/dynamics/ax/aif/services/metadata/2008/10")]
  public class InvalidItemFault {
    [DataMember] public string Message { get; set; }
  }

  [ServiceBehavior(InstanceContextMode = InstanceContextMode.Single, ConcurrencyMode = ConcurrencyMode.Multiple,
    AddressFilterMode = AddressFilterMode.Any)]
  public class Known : IAny {
    const string Contracts = "http://schemas.datacontract.org/2004/07/Microsoft.Dynamics.AX.Framework.Services.Metadata.Contracts";
    const string Classes = "http://schemas.micosoft.com/dynamics/ax/aif/services/metadata/2008/10";
    const string Languages = "http://schemas.datacontract.org/2004/07/Microsoft.Dynamics.AX.Framework.Services.Contracts";
    const string Arrays = "http://schemas.microsoft.com/2003/10/Serialization/Arrays";
    readonly string folder;
    readonly int most;

    public Known(string folder, int most) { this.folder = folder; this.most = most; }

    public Message Process(Message message) {
      var action = message.Headers.Action;
      var operation = action.Substring(action.LastIndexOf('/') + 1);
      var request = new XmlDocument();
      request.Load(message.GetReaderAtBodyContents());
      lock (this) File.AppendAllText(Path.Combine(folder, "calls.log"), operation + "\t" + request.DocumentElement.OuterXml + "\n");
      while (File.Exists(Path.Combine(folder, operation + ".wait"))) Thread.Sleep(20);
      string answer;
      try {
        answer = Answer(operation, request.DocumentElement);
      } catch (InvalidOperationException refused) {
        return Invalid(message, action, refused.Message);
      }
      var document = new XmlDocument();
      document.LoadXml(answer);
      if (document.GetElementsByTagName("*").Count > most) {
        return Fault(message, "Maximum number of items that can be serialized or deserialized in an object graph is '" + most
          + "'. Change the object graph or increase the MaxItemsInObjectGraph quota.");
      }
      return Message.CreateMessage(message.Version, action + "Response", new XmlTextReader(new StringReader(answer)));
    }

    Message Fault(Message message, string reason) {
      var fault = MessageFault.CreateFault(new FaultCode("InternalServiceFault", "http://schemas.microsoft.com/net/2005/12/windowscommunicationfoundation/dispatcher"),
        new FaultReason(reason));
      return Message.CreateMessage(message.Version, fault, "http://schemas.microsoft.com/net/2005/12/windowscommunicationfoundation/dispatcher/fault");
    }

    // A fault of the contract: what it says stands in its detail, and WCF's own words in its reason.
    Message Invalid(Message message, string action, string said) {
      var reason = new FaultReason("The creator of this fault did not specify a Reason.");
      var detail = new InvalidItemFault { Message = said };
      return Message.CreateMessage(message.Version, MessageFault.CreateFault(new FaultCode("Sender"), reason, detail), action + "InvalidItemFaultFault");
    }

    string Answer(string operation, XmlElement request) {
      var parts = Regex.Match(operation, "^Get([A-Za-z]+?)(Names|MetadataByName|MetadataById|MetadataForLanguageById)?$");
      var kind = parts.Groups[1].Value;
      switch (parts.Groups[2].Value) {
        case "Names": return Wrapped(operation, Arrays, Names(kind).Select(name => "<string>" + name + "</string>"));
        case "MetadataForLanguageById": return Wrapped(operation, Contracts, Labels(request));
        case "MetadataByName": return Wrapped(operation, kind == "Class" ? Classes : Contracts, Asked(request).Select(name => Told(kind, name)));
        case "MetadataById": return Wrapped(operation, Contracts, ById(kind, Asked(request)));
        default: return Wrapped(operation, Languages, File.ReadAllLines(Path.Combine(folder, "languages.txt")).Select(
          one => "<LanguageInfo><LanguageId>" + one + "</LanguageId></LanguageInfo>"));
      }
    }

    IEnumerable<string> Names(string kind) {
      return Directory.GetFiles(Path.Combine(folder, kind)).Select(Path.GetFileNameWithoutExtension).OrderBy(one => one, StringComparer.Ordinal);
    }

    static IEnumerable<string> Asked(XmlElement request) {
      return request.LastChild.ChildNodes.Cast<XmlNode>().Select(one => one.InnerText).ToList();
    }

    string Told(string kind, string name) {
      var file = Path.Combine(folder, kind, name + ".xml");
      if (!File.Exists(file)) throw new InvalidOperationException("There is no " + kind + " " + name + ".");
      var text = File.ReadAllText(file);
      if (text.StartsWith("!")) throw new InvalidOperationException(text.Substring(1));
      return text;
    }

    IEnumerable<string> ById(string kind, IEnumerable<string> ids) {
      var member = kind == "Enum" ? "EnumId" : "Id";
      var known = Names(kind).Select(name => File.ReadAllText(Path.Combine(folder, kind, name + ".xml"))).ToList();
      return ids.SelectMany(id => known.Where(one => one.Contains("<" + member + ">" + id + "</" + member + ">")));
    }

    IEnumerable<string> Labels(XmlElement request) {
      var language = request.FirstChild.InnerText;
      var asked = new HashSet<string>(Asked(request), StringComparer.OrdinalIgnoreCase);
      return File.ReadAllLines(Path.Combine(folder, "labels.tsv")).Select(line => line.Split('\t'))
        .Where(one => one[0].Equals(language, StringComparison.OrdinalIgnoreCase) && asked.Contains(one[1]))
        .Select(one => "<LabelMetadata><LabelId>" + one[1] + "</LabelId><LabelString>" + one[2] + "</LabelString></LabelMetadata>");
    }

    static string Wrapped(string operation, string ns, IEnumerable<string> inside) {
      return "<" + operation + "Response xmlns='http://tempuri.org/'><" + operation + "Result xmlns:b='" + ns + "'"
        + " xmlns:i='http://www.w3.org/2001/XMLSchema-instance' xmlns:z='http://schemas.microsoft.com/2003/10/Serialization/'>"
        + string.Concat(inside.Select(one => Regex.Replace(one, "^<(\\w+)", "<$1 xmlns='" + ns + "'")))
        + "</" + operation + "Result></" + operation + "Response>";
    }
  }

  static class Program {
    static void Main(string[] given) {
      var host = new ServiceHost(new Known(given[1], int.Parse(given[2])));
      var binding = new NetTcpBinding(SecurityMode.None) { MaxReceivedMessageSize = 64 << 20, ReaderQuotas = XmlDictionaryReaderQuotas.Max };
      host.AddServiceEndpoint(typeof(IAny), binding, new Uri("net.tcp://127.0.0.1:" + given[0] + "/DynamicsAx/Services/MetadataService"));
      // Mono lets ten callers in at once by default, and the eleventh wait for ever.
      host.Description.Behaviors.Add(new ServiceThrottlingBehavior { MaxConcurrentSessions = 1000, MaxConcurrentCalls = 1000 });
      host.Open();
      Console.WriteLine("READY");
      Thread.Sleep(Timeout.Infinite);
    }
  }
}
