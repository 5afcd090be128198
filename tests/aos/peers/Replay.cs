// Answers any action with what a folder holds for it, and tells what it read: Replay.exe PORT FOLDER
// One contract for every action, as the routing service has it that IIS puts in front of an AOS.
using System;
using System.IO;
using System.ServiceModel;
using System.ServiceModel.Channels;
using System.Text;
using System.Threading;
using System.Xml;

[ServiceContract(Name = "Replay", Namespace = "urn:replay")]
public interface IReplay {
  [OperationContract(Action = "*", ReplyAction = "*")] Message Answer(Message request);
}

[ServiceBehavior(InstanceContextMode = InstanceContextMode.Single, AddressFilterMode = AddressFilterMode.Any)]
public class Replay : IReplay {
  readonly string folder;

  Replay(string folder) { this.folder = folder; }

  public Message Answer(Message request) {
    var action = request.Headers.Action;
    var operation = action.Substring(action.LastIndexOf('/') + 1);
    Keep(operation + ".context", request.Headers.GetReaderAtHeader(
      request.Headers.FindHeader("CallContext", "http://schemas.microsoft.com/dynamics/2010/01/datacontracts")));
    Keep(operation + ".request", request.GetReaderAtBodyContents());
    var canned = Path.Combine(folder, operation + ".answer");
    if (!File.Exists(canned))
      throw new FaultException("no answer for " + operation, new FaultCode("NoAnswer", "urn:replay"));
    var reader = new XmlTextReader(new StreamReader(canned, Encoding.UTF8)) { WhitespaceHandling = WhitespaceHandling.All };
    reader.MoveToContent();
    return Message.CreateMessage(request.Version, action + "Response", reader);
  }

  // Written by .NET from what WCF's reader told, node by node.
  void Keep(string name, XmlReader reader) {
    var tree = new XmlDocument { PreserveWhitespace = true };
    tree.AppendChild(tree.ReadNode(reader));
    var settings = new XmlWriterSettings { Encoding = new UTF8Encoding(false), NewLineHandling = NewLineHandling.Entitize };
    using (var writer = XmlWriter.Create(Path.Combine(folder, name), settings)) tree.Save(writer);
  }

  static void Main(string[] given) {
    var host = new ServiceHost(new Replay(given[1]));
    var binding = new BasicHttpBinding { MaxReceivedMessageSize = 16 << 20, ReaderQuotas = XmlDictionaryReaderQuotas.Max };
    host.AddServiceEndpoint(typeof(IReplay), binding, "http://127.0.0.1:" + given[0] + "/replay/xppservice.svc");
    host.Open();
    Console.WriteLine("READY");
    Thread.Sleep(Timeout.Infinite);
  }
}
