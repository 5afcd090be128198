// What travels to and from the service, as WCF's own serializer sees it.
using System.Collections.Generic;
using System.Runtime.Serialization;
using System.ServiceModel;
using System.Xml;
using System.Xml.Schema;
using System.Xml.Serialization;

namespace Peer {
  static class Ns {
    const string Dynamics = "http://schemas.microsoft.com/dynamics/";
    public const string Services = Dynamics + "2008/01/services";
    public const string Context = Dynamics + "2010/01/datacontracts";
    public const string Key = Dynamics + "2006/02/documents/EntityKey";
    public const string KeyList = Dynamics + "2006/02/documents/EntityKeyList";
    public const string Criteria = Dynamics + "2006/02/documents/QueryCriteria";
    public const string Document = Dynamics + "2008/01/documents/PaymSchedule";
    public const string Fault = Dynamics + "2008/01/documents/Fault";
    public const string Infolog = "http://schemas.datacontract.org/2004/07/Microsoft.Dynamics.AX.Framework.Services";
  }

  [DataContract(Namespace = Ns.Context)]
  public class CallContext {
    [DataMember(Order = 0)] public string Company;
    [DataMember(Order = 1)] public string Language;
    [DataMember(Order = 2)] public string LogonAsUser;
    [DataMember(Order = 3)] public string MessageId;
    [DataMember(Order = 4)] public string PartitionKey;
  }

  [DataContract(Namespace = Ns.Key)]
  public class KeyField {
    [DataMember(Order = 0, IsRequired = true)] public string Field;
    [DataMember(Order = 1, IsRequired = true)] public string Value;
  }

  [DataContract(Namespace = Ns.Key)]
  public class EntityKey {
    [DataMember(IsRequired = true)] public List<KeyField> KeyData;
  }

  [DataContract(Namespace = Ns.Criteria)]
  public enum Operator {
    [EnumMember] Equal, [EnumMember] NotEqual, [EnumMember] Greater, [EnumMember] GreaterOrEqual,
    [EnumMember] Less, [EnumMember] LessOrEqual, [EnumMember] Range,
  }

  [DataContract(Namespace = Ns.Criteria)]
  public class CriteriaElement {
    [DataMember(Order = 0, IsRequired = true)] public string DataSourceName;
    [DataMember(Order = 1, IsRequired = true)] public string FieldName;
    [DataMember(Order = 2, IsRequired = true)] public Operator Operator;
    [DataMember(Order = 3, IsRequired = true)] public string Value1;
    [DataMember(Order = 4)] public string Value2;
  }

  // A document is kept as the XML that WCF's reader makes of the message.
  [XmlRoot("PaymSchedule", Namespace = Ns.Document)]
  public class Document : IXmlSerializable {
    public XmlElement Content;
    public XmlSchema GetSchema() { return null; }
    public void ReadXml(XmlReader reader) {
      var tree = new XmlDocument { PreserveWhitespace = true };
      Content = (XmlElement) tree.ReadNode(reader);
    }
    public void WriteXml(XmlWriter writer) {
      foreach (XmlNode child in Content.ChildNodes) child.WriteTo(writer);
    }
  }

  [DataContract(Namespace = Ns.Fault)]
  public class FaultMessage {
    [DataMember(Order = 0)] public string Code;
    [DataMember(Order = 1)] public string Message;
  }

  [DataContract(Namespace = Ns.Fault)]
  public class FaultMessageList {
    [DataMember(Order = 0)] public string Document;
    [DataMember(Order = 1)] public string DocumentOperation;
    [DataMember(Order = 2)] public List<FaultMessage> FaultMessageArray;
    [DataMember(Order = 3)] public string Field;
    [DataMember(Order = 4)] public string Service;
    [DataMember(Order = 5)] public string ServiceOperation;
    [DataMember(Order = 6)] public string ServiceOperationParameter;
    [DataMember(Order = 7)] public string XPath;
    [DataMember(Order = 8)] public string XmlLine;
    [DataMember(Order = 9)] public string XmlPosition;
  }

  [DataContract(Namespace = Ns.Infolog)]
  public enum InfologMessageType { [EnumMember] Info, [EnumMember] Warning, [EnumMember] Error }

  [DataContract(Namespace = Ns.Infolog)]
  public class InfologMessage {
    [DataMember(Order = 0)] public InfologMessageType InfologMessageType;
    [DataMember(Order = 1)] public string Message;
  }

  [DataContract(Namespace = Ns.Fault)]
  public class AifFault {
    [DataMember(Order = 0)] public string CustomDetailXml;
    [DataMember(Order = 1)] public List<FaultMessageList> FaultMessageListArray;
    [DataMember(Order = 2)] public List<InfologMessage> InfologMessageList;
    [DataMember(Order = 3)] public string StackTrace;
    [DataMember(Order = 4)] public int XppExceptionType;
  }

  public class Request {
    [MessageHeader(Name = "CallContext", Namespace = Ns.Context)] public CallContext Context;
  }

  [MessageContract(WrapperName = "PaymSchedServiceCreateRequest", WrapperNamespace = Ns.Services)]
  public class CreateRequest : Request {
    [MessageBodyMember(Name = "PaymSchedule", Namespace = Ns.Document)] public Document Document;
  }

  [MessageContract(WrapperName = "PaymSchedServiceCreateResponse", WrapperNamespace = Ns.Services)]
  public class CreateResponse {
    [MessageBodyMember(Name = "EntityKeyList", Namespace = Ns.KeyList)] public List<EntityKey> Keys;
  }

  [MessageContract(WrapperName = "PaymSchedServiceReadRequest", WrapperNamespace = Ns.Services)]
  public class ReadRequest : Request {
    [MessageBodyMember(Name = "EntityKeyList", Namespace = Ns.KeyList)] public List<EntityKey> Keys;
  }

  [MessageContract(WrapperName = "PaymSchedServiceReadResponse", WrapperNamespace = Ns.Services)]
  public class ReadResponse {
    [MessageBodyMember(Name = "PaymSchedule", Namespace = Ns.Document)] public Document Document;
  }

  [MessageContract(WrapperName = "PaymSchedServiceUpdateRequest", WrapperNamespace = Ns.Services)]
  public class UpdateRequest : Request {
    [MessageBodyMember(Name = "EntityKeyList", Namespace = Ns.KeyList, Order = 0)] public List<EntityKey> Keys;
    [MessageBodyMember(Name = "PaymSchedule", Namespace = Ns.Document, Order = 1)] public Document Document;
  }

  [MessageContract(WrapperName = "PaymSchedServiceUpdateResponse", WrapperNamespace = Ns.Services)]
  public class UpdateResponse { }

  [MessageContract(WrapperName = "PaymSchedServiceDeleteRequest", WrapperNamespace = Ns.Services)]
  public class DeleteRequest : Request {
    [MessageBodyMember(Name = "EntityKeyList", Namespace = Ns.KeyList)] public List<EntityKey> Keys;
  }

  [MessageContract(WrapperName = "PaymSchedServiceDeleteResponse", WrapperNamespace = Ns.Services)]
  public class DeleteResponse { }

  [MessageContract(WrapperName = "PaymSchedServiceFindRequest", WrapperNamespace = Ns.Services)]
  public class FindRequest : Request {
    [MessageBodyMember(Name = "QueryCriteria", Namespace = Ns.Criteria)] public List<CriteriaElement> Criteria;
  }

  [MessageContract(WrapperName = "PaymSchedServiceFindResponse", WrapperNamespace = Ns.Services)]
  public class FindResponse {
    [MessageBodyMember(Name = "PaymSchedule", Namespace = Ns.Document)] public Document Document;
  }

  [MessageContract(WrapperName = "PaymSchedServiceFindKeysRequest", WrapperNamespace = Ns.Services)]
  public class FindKeysRequest : Request {
    [MessageBodyMember(Name = "QueryCriteria", Namespace = Ns.Criteria)] public List<CriteriaElement> Criteria;
  }

  [MessageContract(WrapperName = "PaymSchedServiceFindKeysResponse", WrapperNamespace = Ns.Services)]
  public class FindKeysResponse {
    [MessageBodyMember(Name = "EntityKeyList", Namespace = Ns.KeyList)] public List<EntityKey> Keys;
  }
}
