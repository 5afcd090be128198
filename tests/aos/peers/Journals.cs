// A custom service as X++ ones look on the wire: data contracts that .NET's serializer reads, and lists of them.
// Journals.exe PORT
using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Runtime.Serialization;
using System.ServiceModel;
using System.Threading;

namespace Peer {
  // Members without an order stand in that of their names, as those of data contracts of X++ do.
  [DataContract(Namespace = "http://schemas.datacontract.org/2004/07/Microsoft.Dynamics.Ax.Xpp")]
  public class XppObjectBase { }

  [DataContract(Namespace = Journals.Data)]
  public enum JournalKind { [EnumMember] Daily = 0, [EnumMember] Approval = 5, [EnumMember] Asset = 9 }

  [DataContract(Namespace = Journals.Data)]
  public class JournalAddress : XppObjectBase {
    [DataMember] public string City;
    [DataMember] public string Street;
  }

  [DataContract(Namespace = Journals.Data)]
  public class JournalTax : XppObjectBase {
    [DataMember] public string Code;
    [DataMember] public decimal Percent;
  }

  [DataContract(Namespace = Journals.Data)]
  public class JournalLine : XppObjectBase {
    [DataMember] public string Account;
    [DataMember] public decimal Amount;
    [DataMember] public List<JournalTax> Taxes;
    [DataMember] public string Text;
  }

  [DataContract(Namespace = Journals.Data)]
  public class JournalContract : XppObjectBase {
    [DataMember] public JournalAddress Address;
    [DataMember] public bool Approved;
    [DataMember] public string CustAccount;
    [DataMember] public JournalKind Kind;
    [DataMember] public List<JournalLine> Lines;
    [DataMember] public DateTime PostedAt;
    [DataMember] public List<string> Tags;
    [DataMember(IsRequired = true)] public decimal Total;
    [DataMember] public DateTime TransDate;
    [DataMember(IsRequired = true)] public string parmJournalName;
  }

  [DataContract(Namespace = Journals.Data)]
  public class JournalResult : XppObjectBase {
    [DataMember] public string JournalId;
    [DataMember] public List<string> Messages;
    [DataMember] public decimal Total;
  }

  [DataContract(Namespace = Journals.Data)]
  public class MethodArgument : XppObjectBase {
    [DataMember] public string Argument;
    [DataMember] public string Text;
  }

  [MessageContract(WrapperName = "JournalServicePostJournalRequest", WrapperNamespace = Journals.Own)]
  public class PostRequest : Request { [MessageBodyMember(Namespace = Journals.Own)] public JournalContract _contract; }

  [MessageContract(WrapperName = "JournalServicePostJournalResponse", WrapperNamespace = Journals.Own)]
  public class PostResponse { [MessageBodyMember(Namespace = Journals.Own)] public JournalResult response; }

  [MessageContract(WrapperName = "JournalServiceSetLimitRequest", WrapperNamespace = Journals.Own)]
  public class LimitRequest : Request {
    [MessageBodyMember(Namespace = Journals.Own, Order = 0)] public string _custAccount;
    [MessageBodyMember(Namespace = Journals.Own, Order = 1)] public decimal _limit;
    [MessageBodyMember(Namespace = Journals.Own, Order = 2)] public bool _blocked;
  }

  [MessageContract(WrapperName = "JournalServiceSetLimitResponse", WrapperNamespace = Journals.Own)]
  public class LimitResponse { [MessageBodyMember(Namespace = Journals.Own)] public string response; }

  [MessageContract(WrapperName = "JournalServiceRunClassRequest", WrapperNamespace = Journals.Own)]
  public class RunRequest : Request {
    [MessageBodyMember(Namespace = Journals.Own, Order = 0)] public string _className;
    [MessageBodyMember(Namespace = Journals.Own, Order = 1)] public string _methodName;
    [MessageBodyMember(Namespace = Journals.Own, Order = 2)] public List<MethodArgument> _arguments;
  }

  [MessageContract(WrapperName = "JournalServiceRunClassResponse", WrapperNamespace = Journals.Own)]
  public class RunResponse { [MessageBodyMember(Namespace = Journals.Own)] public List<string> response; }

  [ServiceContract(Name = "JournalService", Namespace = Journals.Own)]
  public interface IJournals {
    [OperationContract(Action = Journals.At + "postJournal", ReplyAction = Journals.At + "postJournalResponse")]
    [FaultContract(typeof(AifFault), Action = Journals.At + "postJournalAifFaultFault")]
    PostResponse Post(PostRequest request);
    [OperationContract(Action = Journals.At + "setLimit", ReplyAction = Journals.At + "setLimitResponse")]
    [FaultContract(typeof(AifFault), Action = Journals.At + "setLimitAifFaultFault")]
    LimitResponse SetLimit(LimitRequest request);
    [OperationContract(Action = Journals.At + "runClass", ReplyAction = Journals.At + "runClassResponse")]
    [FaultContract(typeof(AifFault), Action = Journals.At + "runClassAifFaultFault")]
    RunResponse Run(RunRequest request);
  }

  [ServiceBehavior(InstanceContextMode = InstanceContextMode.Single, ConcurrencyMode = ConcurrencyMode.Multiple)]
  public class Journals : IJournals {
    public const string Own = "http://tempuri.org";
    public const string At = Own + "/JournalService/";
    public const string Data = "http://schemas.datacontract.org/2004/07/Dynamics.Ax.Application";

    // Tells all that it read, as .NET holds it.
    public PostResponse Post(PostRequest request) {
      var given = request._contract;
      var told = new List<string> {
        "name " + Shown(given.parmJournalName), "kind " + given.Kind, "approved " + given.Approved,
        "city " + Shown(given.Address == null ? null : given.Address.City), "customer " + Shown(given.CustAccount),
        "date " + given.TransDate.ToString("yyyy-MM-dd"), "posted " + given.PostedAt.ToString("s") + " " + given.PostedAt.Kind,
        "tags " + (given.Tags == null ? "null" : string.Join("|", given.Tags)) };
      told.AddRange((given.Lines ?? new List<JournalLine>()).Select(
        line => "line " + Shown(line.Account) + " " + Number(line.Amount) + " " + Shown(line.Text)));
      return new PostResponse { response = new JournalResult { JournalId = "J-1", Messages = told, Total = given.Total } };
    }

    public LimitResponse SetLimit(LimitRequest request) {
      if (request._custAccount == "nobody") throw Faults.Call("setLimit", "Customer 'nobody' does not exist.");
      return new LimitResponse { response = Shown(request._custAccount) + " " + Number(request._limit) + " " + request._blocked };
    }

    public RunResponse Run(RunRequest request) {
      var called = request._className + "::" + request._methodName;
      var arguments = request._arguments.Select(one => Shown(one.Argument) + "=" + Shown(one.Text));
      return new RunResponse { response = new[] { called }.Concat(arguments).ToList() };
    }

    static string Shown(string text) { return text == null ? "null" : "'" + text + "'"; }

    static string Number(decimal value) { return value.ToString(CultureInfo.InvariantCulture); }
  }

  static class JournalsHost {
    static void Main(string[] given) {
      var host = new ServiceHost(typeof(Journals));
      host.AddServiceEndpoint(typeof(IJournals), new BasicHttpBinding(),
                              "http://127.0.0.1:" + given[0] + "/MicrosoftDynamicsAXAif60/Journals/xppservice.svc");
      host.Open();
      Console.WriteLine("READY");
      Thread.Sleep(Timeout.Infinite);
    }
  }
}
