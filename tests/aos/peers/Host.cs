// Opens the service over basicHttp, and over net.tcp on two more ports: Host.exe PORT CONTRACT_FOLDER [DUPLEX STREAMED]
using System;
using System.ServiceModel;
using System.ServiceModel.Dispatcher;
using System.Threading;
using System.Xml;

namespace Peer {
  static class Host {
    const string Path = "/DynamicsAx/Services/PaymentSchedules";

    static void Main(string[] given) {
      var address = new Uri("http://127.0.0.1:" + given[0] + "/MicrosoftDynamicsAXAif60/PaymentSchedules/xppservice.svc");
      var host = new ServiceHost(new Schedules(new Schema(given[1])), address);
      var binding = new BasicHttpBinding { MaxReceivedMessageSize = 16 << 20, ReaderQuotas = XmlDictionaryReaderQuotas.Max };
      host.AddServiceEndpoint(typeof(ISchedules), binding, "");
      for (var mode = 0; mode < given.Length - 2; mode++) {
        var tcp = new NetTcpBinding(SecurityMode.None) {
          MaxReceivedMessageSize = 16 << 20, ReaderQuotas = XmlDictionaryReaderQuotas.Max,
          TransferMode = mode == 0 ? TransferMode.Buffered : TransferMode.Streamed,
        };
        host.AddServiceEndpoint(typeof(ISchedules), tcp, new Uri("net.tcp://127.0.0.1:" + given[mode + 2] + Path));
      }
      host.Open();
      foreach (ChannelDispatcher dispatcher in host.ChannelDispatchers)  // behind a front callers know another port than this one
        foreach (var endpoint in dispatcher.Endpoints) endpoint.AddressFilter = new MatchAllMessageFilter();
      Console.WriteLine("READY");
      Thread.Sleep(Timeout.Infinite);
    }
  }
}
