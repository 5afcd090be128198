// Holds documents against a schema as .NET does, in which AX' own check is made: Validate.exe SCHEMA
// A line with a document in base64 comes in, a line with "ok" or with the first complaint goes out.
using System;
using System.IO;
using System.Text;
using System.Xml;
using System.Xml.Schema;

namespace Peer {
  static class Validate {
    static void Main(string[] given) {
      var schemas = new XmlSchemaSet { XmlResolver = new XmlUrlResolver() };
      schemas.Add(null, given[0]);
      schemas.Compile();
      Console.SetOut(new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(false)) { AutoFlush = true });
      Console.WriteLine("READY");
      string line;
      while ((line = Console.ReadLine()) != null) Console.WriteLine(Complaint(schemas, Convert.FromBase64String(line)) ?? "ok");
    }

    static string Complaint(XmlSchemaSet schemas, byte[] document) {
      string complaint = null;
      var settings = new XmlReaderSettings { ValidationType = ValidationType.Schema, Schemas = schemas };
      settings.ValidationFlags |= XmlSchemaValidationFlags.ReportValidationWarnings;  // an element that no schema knows
      settings.ValidationEventHandler += (sender, told) => complaint = complaint ?? told.Message;
      try {
        using (var reader = XmlReader.Create(new MemoryStream(document), settings)) while (reader.Read()) { }
      } catch (XmlException wrong) {
        return "not XML: " + wrong.Message;
      }
      return complaint == null ? null : complaint.Replace("\r", " ").Replace("\n", " ");
    }
  }
}
