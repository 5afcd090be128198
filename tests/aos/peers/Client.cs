// A WCF client that speaks to a service of the same contract, and tells what it understood: Client.exe ADDRESS
using System;
using System.Collections.Generic;
using System.Linq;
using System.ServiceModel;
using System.Text;
using System.Xml;

namespace Peer {
  static class Client {
    static ISchedules service;

    static void Main(string[] given) {
      var output = new System.IO.StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(false)) { AutoFlush = true };
      Console.SetOut(output);
      var binding = new BasicHttpBinding { MaxReceivedMessageSize = 16 << 20, ReaderQuotas = XmlDictionaryReaderQuotas.Max };
      service = new ChannelFactory<ISchedules>(binding, new EndpointAddress(given[0])).CreateChannel();
      var id = Guid.NewGuid().ToString("B").ToUpperInvariant();
      Tell("created", () => Keys(service.Create(new CreateRequest { Context = Context(id), Document = Schedules("W2", "W1") }).Keys));
      Tell("again", () => Keys(service.Create(new CreateRequest { Context = Context(id), Document = Schedules("W3") }).Keys));
      Tell("exists", () => Keys(service.Create(new CreateRequest { Context = Context(), Document = Schedules("W4", "W1") }).Keys));
      Tell("read", () => Told(service.Read(new ReadRequest { Context = Context(), Keys = Named("W1", "W2") }).Document));
      Tell("found", () => Told(service.Find(new FindRequest { Context = Context(), Criteria = Between("W1", "W9") }).Document));
      Tell("keys", () => Keys(service.FindKeys(new FindKeysRequest { Context = Context(), Criteria = Between("W2", "W9") }).Keys));
      Tell("updated", Update);
      Tell("deleted", () => { service.Delete(new DeleteRequest { Context = Context(), Keys = Named("W1", "W2") }); return "done"; });
      Tell("missing", () => Told(service.Read(new ReadRequest { Context = Context(), Keys = Named("W1") }).Document));
      Tell("nowhere", () => Told(service.Read(new ReadRequest {
        Context = new CallContext { Company = "XX" }, Keys = Named("W1") }).Document));
    }

    static string Update() {
      var read = service.Read(new ReadRequest { Context = Context(), Keys = Named("W1") }).Document;
      var record = Records.Roots(read)[0];
      record.SetAttribute("action", "update");
      record["Description", Ns.Document].InnerText = "changed <&> Ж";
      service.Update(new UpdateRequest { Context = Context(), Keys = Named("W1"), Document = read });
      return Told(service.Read(new ReadRequest { Context = Context(), Keys = Named("W1") }).Document);
    }

    static void Tell(string what, Func<string> call) {
      try {
        Console.WriteLine(what + ": " + call());
      } catch (FaultException<AifFault> fault) {
        var detail = fault.Detail;
        var messages = detail.FaultMessageListArray.SelectMany(
          list => list.FaultMessageArray.Select(one => string.Join("|", one.Code, list.XPath, list.Field, one.Message)));
        var infolog = detail.InfologMessageList.Select(one => one.InfologMessageType + " " + one.Message);
        Console.WriteLine(what + ": AifFault " + string.Join("; ", messages) + " [" + string.Join("; ", infolog) + "]");
      } catch (FaultException fault) {
        Console.WriteLine(what + ": fault " + fault.Code.Name + " " + fault.Message);
      }
    }

    static CallContext Context(string id = null) {
      return new CallContext { Company = "USMF", Language = "en-us", MessageId = id ?? Guid.NewGuid().ToString() };
    }

    static Document Schedules(params string[] names) {
      var records = names.Select(name => "<PaymSched class='entity' action='create'><Description>漢字 &lt;" + name + "&gt;</Description>"
        + "<LowestPayment>1.50</LowestPayment><Name>" + name + "</Name><PaymentBy>Fixed_Amount</PaymentBy>"
        + "<PaymSchedLine class='entity' action='create'><LineNum>1</LineNum></PaymSchedLine></PaymSched>");
      var tree = new XmlDocument();
      tree.LoadXml("<PaymSchedule xmlns='" + Ns.Document + "'>" + string.Concat(records) + "</PaymSchedule>");
      return new Document { Content = tree.DocumentElement };
    }

    static List<EntityKey> Named(params string[] names) { return names.Select(Records.Key).ToList(); }

    static List<CriteriaElement> Between(string low, string high) {
      return new List<CriteriaElement> { new CriteriaElement {
        DataSourceName = "PaymSched", FieldName = "Name", Operator = Operator.Range, Value1 = low, Value2 = high } };
    }

    static string Keys(IEnumerable<EntityKey> keys) {
      return string.Join(" ", keys.Select(key => string.Join(",", key.KeyData.Select(one => one.Field + "=" + one.Value))));
    }

    static string Told(Document document) {
      return string.Join(" ", Records.Roots(document).Select(record => Records.Text(record, "Name") + "=" + Records.Text(record, "Description")
        + "/" + Records.Text(record, "LowestPayment") + "/" + Records.Text(record, "PaymentBy")
        + "/" + record.GetElementsByTagName("PaymSchedLine", Ns.Document).Count));
    }
  }
}
