// Opens the service over basicHttp: Host.exe PORT CONTRACT_FOLDER
using System;
using System.ServiceModel;
using System.Threading;
using System.Xml;

namespace Peer {
  static class Host {
    static void Main(string[] given) {
      var address = new Uri("http://127.0.0.1:" + given[0] + "/MicrosoftDynamicsAXAif60/PaymentSchedules/xppservice.svc");
      var host = new ServiceHost(new Schedules(new Schema(given[1])), address);
      var binding = new BasicHttpBinding { MaxReceivedMessageSize = 16 << 20, ReaderQuotas = XmlDictionaryReaderQuotas.Max };
      host.AddServiceEndpoint(typeof(ISchedules), binding, "");
      host.Open();
      Console.WriteLine("READY");
      Thread.Sleep(Timeout.Infinite);
    }
  }
}
