// The document service of payment schedules: AX' rules over a table that is kept in memory, one transaction per call.
using System;
using System.Collections.Generic;
using System.Linq;
using System.ServiceModel;
using System.Xml;

namespace Peer {
  [ServiceContract(Name = "PaymSchedService", Namespace = Ns.Services)]
  public interface ISchedules {
    [OperationContract(Name = "create", Action = Schedules.At + "create", ReplyAction = Schedules.At + "createResponse")]
    [FaultContract(typeof(AifFault), Action = Schedules.At + "createAifFaultFault")]
    CreateResponse Create(CreateRequest request);
    [OperationContract(Name = "read", Action = Schedules.At + "read", ReplyAction = Schedules.At + "readResponse")]
    [FaultContract(typeof(AifFault), Action = Schedules.At + "readAifFaultFault")]
    ReadResponse Read(ReadRequest request);
    [OperationContract(Name = "update", Action = Schedules.At + "update", ReplyAction = Schedules.At + "updateResponse")]
    [FaultContract(typeof(AifFault), Action = Schedules.At + "updateAifFaultFault")]
    UpdateResponse Update(UpdateRequest request);
    [OperationContract(Name = "delete", Action = Schedules.At + "delete", ReplyAction = Schedules.At + "deleteResponse")]
    [FaultContract(typeof(AifFault), Action = Schedules.At + "deleteAifFaultFault")]
    DeleteResponse Delete(DeleteRequest request);
    [OperationContract(Name = "find", Action = Schedules.At + "find", ReplyAction = Schedules.At + "findResponse")]
    [FaultContract(typeof(AifFault), Action = Schedules.At + "findAifFaultFault")]
    FindResponse Find(FindRequest request);
    [OperationContract(Name = "findKeys", Action = Schedules.At + "findKeys", ReplyAction = Schedules.At + "findKeysResponse")]
    [FaultContract(typeof(AifFault), Action = Schedules.At + "findKeysAifFaultFault")]
    FindKeysResponse FindKeys(FindKeysRequest request);
  }

  [ServiceBehavior(Namespace = Ns.Services, InstanceContextMode = InstanceContextMode.Single,
                   ConcurrencyMode = ConcurrencyMode.Multiple)]
  public class Schedules : ISchedules {
    public const string At = Ns.Services + "/PaymSchedService/";
    static readonly string[] Companies = { "USMF", "DEMF" };

    readonly object gate = new object();
    readonly Schema schema;
    readonly HashSet<Guid> seen = new HashSet<Guid>();
    Dictionary<string, SortedDictionary<string, XmlElement>> tables;

    public Schedules(Schema schema) {
      this.schema = schema;
      tables = Companies.ToDictionary(name => name, name => new SortedDictionary<string, XmlElement>(StringComparer.Ordinal));
    }

    public CreateResponse Create(CreateRequest request) {
      var keys = new List<EntityKey>();
      Write(request, "create", request.Document, table => {
        var number = 0;
        foreach (var record in Records.Roots(request.Document)) {
          number++;
          var name = Records.Text(record, "Name");
          if (name == "CRASH") throw new InvalidOperationException("a secret of the server");
          var wrong = Complaints(table, record, name).ToArray();
          if (wrong.Length > 0) throw Faults.Record("create", number, wrong);
          table[name] = Records.Stored(record);
          keys.Add(Records.Key(name));
        }
      });
      return new CreateResponse { Keys = keys };
    }

    // A record may be wrong in two ways at once; AX tells of both.
    static IEnumerable<KeyValuePair<string, string>> Complaints(IDictionary<string, XmlElement> table, XmlElement record, string name) {
      if (string.IsNullOrEmpty(name))
        yield return new KeyValuePair<string, string>("Name", "Field 'Payment schedule' must be filled in.");
      else if (table.ContainsKey(name))
        yield return new KeyValuePair<string, string>(
          "Name", "Cannot create a record in Payment schedule (PaymSched). Payment schedule: " + name + ". The record already exists.");
      decimal amount;
      if (decimal.TryParse(Records.Text(record, "LowestPayment"), System.Globalization.NumberStyles.Number,
                           System.Globalization.CultureInfo.InvariantCulture, out amount) && amount >= 1000000000000m)
        yield return new KeyValuePair<string, string>("LowestPayment", "The amount must be less than 1,000,000,000,000.");
    }

    public UpdateResponse Update(UpdateRequest request) {
      Write(request, "update", request.Document, table => {
        var records = Records.Roots(request.Document);
        if (request.Keys == null || request.Keys.Count != records.Count) throw Faults.Call("update", "The parameter index is not valid.");
        for (var n = 0; n < records.Count; n++) {
          var old = Found(table, request.Keys[n], "update", n + 1);
          if (Records.Text(records[n], "_DocumentHash") != Records.Hash(old))
            throw Faults.Record("update", n + 1, "", "The document has changed since it was read.");
          var changed = Records.Changed(old, records[n]);
          table.Remove(Records.Text(old, "Name"));
          table[Records.Text(changed, "Name")] = changed;
        }
      });
      return new UpdateResponse();
    }

    public DeleteResponse Delete(DeleteRequest request) {
      Write(request, "delete", null, table => {
        for (var n = 0; n < request.Keys.Count; n++)
          table.Remove(Records.Text(Found(table, request.Keys[n], "delete", n + 1), "Name"));
      });
      return new DeleteResponse();
    }

    public ReadResponse Read(ReadRequest request) {
      lock (gate) {
        var table = tables[Company(request, "read")];
        return new ReadResponse { Document = Records.Told(request.Keys.Select((key, n) => Found(table, key, "read", n + 1))) };
      }
    }

    public FindResponse Find(FindRequest request) {
      lock (gate) return new FindResponse { Document = Records.Told(Matching(request, "find", request.Criteria)) };
    }

    public FindKeysResponse FindKeys(FindKeysRequest request) {
      lock (gate) {
        var names = Matching(request, "findKeys", request.Criteria).Select(record => Records.Text(record, "Name"));
        return new FindKeysResponse { Keys = names.Select(Records.Key).ToList() };
      }
    }

    // One call, one transaction: what fails leaves nothing behind, not even its MessageId.
    void Write(Request request, string operation, Document document, Action<SortedDictionary<string, XmlElement>> change) {
      lock (gate) {
        var company = Company(request, operation);
        Guid id;
        var named = Guid.TryParse(request.Context == null ? null : request.Context.MessageId, out id);
        if (named && seen.Contains(id))
          throw Faults.Call(operation, "Duplicate message. Message has already been processed.", "DuplicateMessage");
        if (document != null) schema.Check(document, operation);
        var changed = new SortedDictionary<string, XmlElement>(tables[company], StringComparer.Ordinal);
        change(changed);
        tables[company] = changed;
        if (named) seen.Add(id);
      }
    }

    static string Company(Request request, string operation) {
      var asked = request.Context == null ? null : request.Context.Company;
      if (asked == null) return Companies[0];
      var found = Companies.FirstOrDefault(name => string.Equals(name, asked, StringComparison.OrdinalIgnoreCase));
      if (found == null) throw Faults.Call(operation, "The company '" + asked + "' does not exist.");
      return found;
    }

    static XmlElement Found(SortedDictionary<string, XmlElement> table, EntityKey key, string operation, int number) {
      XmlElement found;
      if (key.KeyData.Count == 1 && key.KeyData[0].Field == "Name" && table.TryGetValue(key.KeyData[0].Value, out found)) return found;
      throw Faults.Record(operation, number, "Name", "The record was not found.");
    }

    IEnumerable<XmlElement> Matching(Request request, string operation, List<CriteriaElement> criteria) {
      return tables[Company(request, operation)].Values.Where(record => criteria.All(one => Meets(record, one)));
    }

    static bool Meets(XmlElement record, CriteriaElement one) {
      var order = string.CompareOrdinal(Records.Text(record, one.FieldName) ?? "", one.Value1);
      switch (one.Operator) {
        case Operator.Equal: return order == 0;
        case Operator.NotEqual: return order != 0;
        case Operator.Greater: return order > 0;
        case Operator.GreaterOrEqual: return order >= 0;
        case Operator.Less: return order < 0;
        case Operator.LessOrEqual: return order <= 0;
        default: return order >= 0 && string.CompareOrdinal(Records.Text(record, one.FieldName) ?? "", one.Value2) <= 0;
      }
    }
  }
}
