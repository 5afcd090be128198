// Records as XML: what is stored of a message, what an update makes of them, and how they are told.
using System;
using System.Collections.Generic;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using System.Xml;

namespace Peer {
  static class Records {
    const string Nil = "http://www.w3.org/2001/XMLSchema-instance";
    static readonly List<string> Order = new List<string> {
      "_DocumentHash", "Active", "DefaultDimension", "Description", "LowestPayment", "Name", "Note", "NumOfPayment", "PaymentBy",
      "RecId", "RecVersion", "StartDate", "StartDateTime", "PaymSchedLine" };

    public static List<XmlElement> Roots(Document document) {
      return document.Content.ChildNodes.OfType<XmlElement>().Where(child => child.LocalName == "PaymSched").ToList();
    }

    public static string Text(XmlElement record, string field) {
      var found = record[field, Ns.Document];
      return found == null ? null : found.InnerText;
    }

    public static EntityKey Key(string name) {
      return new EntityKey { KeyData = new List<KeyField> { new KeyField { Field = "Name", Value = name } } };
    }

    // A record without what AX keeps no value of: null, and empty texts.
    public static XmlElement Stored(XmlElement record) {
      var kept = (XmlElement) record.CloneNode(true);
      kept.RemoveAttribute("action");
      foreach (var child in kept.ChildNodes.OfType<XmlNode>().ToList()) {
        var element = child as XmlElement;
        if (element == null || element.LocalName == "_DocumentHash") kept.RemoveChild(child);
        else if (element.LocalName == "PaymSchedLine") kept.ReplaceChild(Stored(element), element);
        else if (element.GetAttribute("nil", Nil) == "true" || element.InnerText == "") kept.RemoveChild(element);
      }
      return kept;
    }

    // With action="update" the record keeps what the message does not mention; without it, it is what the message says.
    public static XmlElement Changed(XmlElement old, XmlElement message) {
      if (message.GetAttribute("action") != "update") return Stored(message);
      var merged = (XmlElement) old.CloneNode(true);
      foreach (var part in message.ChildNodes.OfType<XmlElement>()) {
        if (part.LocalName != "PaymSchedLine") Drop(merged, merged[part.LocalName, Ns.Document]);
        else Drop(merged, Line(merged, Text(part, "LineNum")));
        if (part.GetAttribute("action") != "delete") merged.AppendChild(merged.OwnerDocument.ImportNode(part, true));
      }
      return Stored(merged);
    }

    public static Document Told(IEnumerable<XmlElement> records) {
      var tree = new XmlDocument { PreserveWhitespace = true };
      var root = (XmlElement) tree.AppendChild(tree.CreateElement("PaymSchedule", Ns.Document));
      foreach (var record in records) {
        var told = (XmlElement) root.AppendChild(tree.CreateElement("PaymSched", Ns.Document));
        told.SetAttribute("class", "entity");
        told.AppendChild(tree.CreateElement("_DocumentHash", Ns.Document)).InnerText = Hash(record);
        foreach (var child in record.ChildNodes.OfType<XmlElement>().OrderBy(child => Order.IndexOf(child.LocalName)))
          told.AppendChild(tree.ImportNode(child, true));
      }
      return new Document { Content = root };
    }

    public static string Hash(XmlElement record) {
      using (var md5 = MD5.Create())
        return BitConverter.ToString(md5.ComputeHash(Encoding.UTF8.GetBytes(record.OuterXml))).Replace("-", "").ToLowerInvariant();
    }

    static XmlElement Line(XmlElement record, string number) {
      return record.ChildNodes.OfType<XmlElement>().FirstOrDefault(
        child => child.LocalName == "PaymSchedLine" && Text(child, "LineNum") == number);
    }

    static void Drop(XmlElement record, XmlElement child) {
      if (child != null) record.RemoveChild(child);
    }
  }
}
