// How the service refuses: AifFaults, and the schema that it holds documents against, as .NET reads it.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.ServiceModel;
using System.Xml;
using System.Xml.Schema;

namespace Peer {
  static class Faults {
    const string Silent = "Request Failed. See the Exception Log for details.";

    public static Exception Call(string operation, string message, string code = null) {
      return Fault(operation, new[] { Entry(operation, null, null, message, code) });
    }

    public static Exception Record(string operation, int number, string field, string message) {
      return Record(operation, number, new[] { new KeyValuePair<string, string>(field, message) });
    }

    public static Exception Record(string operation, int number, IEnumerable<KeyValuePair<string, string>> complaints) {
      var path = "/PaymSchedule/PaymSched[" + number + "]";
      return Fault(operation, complaints.Select(one => Entry(operation, path, one.Key, one.Value, null)));
    }

    public static Exception At(string operation, string path, string field, string message) {
      return Fault(operation, new[] { Entry(operation, path, field, message, null) });
    }

    static FaultMessageList Entry(string operation, string path, string field, string message, string code) {
      return new FaultMessageList {
        Document = "PaymSchedule", DocumentOperation = char.ToUpperInvariant(operation[0]) + operation.Substring(1),
        FaultMessageArray = new List<FaultMessage> { new FaultMessage { Code = code, Message = message } },
        Field = string.IsNullOrEmpty(field) ? null : field, Service = "PaymSchedService", ServiceOperation = operation,
        ServiceOperationParameter = "PaymSchedule", XPath = path };
    }

    static Exception Fault(string operation, IEnumerable<FaultMessageList> entries) {
      var lists = entries.ToList();
      var infolog = lists.Select(one => new InfologMessage {
        InfologMessageType = InfologMessageType.Error, Message = one.FaultMessageArray[0].Message });
      var detail = new AifFault { FaultMessageListArray = lists, InfologMessageList = infolog.ToList(), XppExceptionType = 3 };
      return new FaultException<AifFault>(detail, new FaultReason(Silent), new FaultCode("Client"),
                                          Schedules.At + operation + "AifFaultFault");
    }
  }

  public class Schema {
    readonly XmlSchemaSet schemas = new XmlSchemaSet();

    public Schema(string folder) {
      foreach (var file in new[] { "sharedtypes.xsd", "paymschedule.xsd" })
        using (var reader = XmlReader.Create(Path.Combine(folder, file))) {
          var schema = XmlSchema.Read(reader, null);
          schema.Includes.Clear();  // both are in the set already
          schemas.Add(schema);
        }
      schemas.Compile();
    }

    // Refuses what the schema does not allow, with the validator's own words and the place where it stopped.
    public void Check(Document document, string operation) {
      var settings = new XmlReaderSettings { ValidationType = ValidationType.Schema, Schemas = schemas };
      var place = new Place();
      string wrong = null;
      settings.ValidationEventHandler += (sender, told) => wrong = wrong ?? told.Message;
      using (var reader = XmlReader.Create(new StringReader(document.Content.OuterXml), settings))
        while (reader.Read()) {
          place.Follow(reader);
          if (wrong != null) throw Faults.At(operation, place.Record, place.Field, wrong);
        }
    }
  }

  // Where a reader is: the record, counted among those of its name, and the field in it.
  class Place {
    readonly List<KeyValuePair<string, Dictionary<string, int>>> open = new List<KeyValuePair<string, Dictionary<string, int>>>();

    public string Record { get { return string.Concat(open.Where(one => one.Key != Field).Select(one => "/" + one.Key)); } }

    public string Field { get; private set; }

    public void Follow(XmlReader reader) {
      if (reader.NodeType != XmlNodeType.Element) return;
      if (open.Count > reader.Depth) open.RemoveRange(reader.Depth, open.Count - reader.Depth);
      var name = reader.LocalName;
      var isRecord = name == "PaymSched" || name == "PaymSchedLine";
      if (open.Count > 0 && isRecord) {
        int before;
        open[open.Count - 1].Value.TryGetValue(name, out before);
        open[open.Count - 1].Value[name] = before + 1;
        name += "[" + (before + 1) + "]";
      }
      Field = open.Count == 0 || isRecord ? null : name;
      open.Add(new KeyValuePair<string, Dictionary<string, int>>(name, new Dictionary<string, int>()));
    }
  }
}
