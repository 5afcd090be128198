// The Windows security of a net.tcp port, as .NET itself does it: NegotiateStream takes the logon, and the framing within is
// handed on in plain to the port of this computer that the first argument names. It says "READY port", and one line for each logon.
using System;
using System.IO;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Principal;
using System.Text;
using System.Threading;

static class Acceptor
{
    const byte Version = 0, Mode = 1, Via = 2, KnownEncoding = 3, UpgradeRequest = 9, UpgradeResponse = 10;

    static int Main(string[] arguments)
    {
        int behind = int.Parse(arguments[0]);
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        Say("READY " + ((IPEndPoint)listener.LocalEndpoint).Port);
        while (true)
        {
            var caller = listener.AcceptTcpClient();
            Start(() => Guard(caller, behind));
        }
    }

    static void Guard(TcpClient caller, int behind)
    {
        using (caller)
        {
            try
            {
                caller.NoDelay = true;
                var outside = caller.GetStream();
                byte[] preamble = Preamble(outside);
                outside.WriteByte(UpgradeResponse);
                var secured = new NegotiateStream(outside);
                secured.AuthenticateAsServer(
                    CredentialCache.DefaultNetworkCredentials, ProtectionLevel.EncryptAndSign, TokenImpersonationLevel.Identification);
                Say("LET IN " + secured.RemoteIdentity.Name + " by " + secured.RemoteIdentity.AuthenticationType
                    + (secured.IsEncrypted ? " encrypted" : "") + (secured.IsSigned ? " signed" : ""));
                Forward(secured, preamble, behind);
            }
            catch (Exception error)
            {
                Say("ENDED " + error.GetType().Name + " " + (error.InnerException ?? error).Message.Replace('\n', ' '));
            }
        }
    }

    // The records up to the request to upgrade, which is not among them.
    static byte[] Preamble(Stream stream)
    {
        var read = new MemoryStream();
        while (true)
        {
            byte kind = Take(stream, 1)[0];
            if (kind == UpgradeRequest)
            {
                string upgrade = Encoding.UTF8.GetString(Take(stream, Take(stream, 1)[0]));
                if (upgrade != "application/negotiate") throw new InvalidDataException("The upgrade is " + upgrade);
                return read.ToArray();
            }
            read.WriteByte(kind);
            int size = kind == Version ? 2 : kind == Mode || kind == KnownEncoding ? 1 : kind == Via ? -1 : 0;
            if (size == 0) throw new InvalidDataException("The record is " + kind);
            if (size < 0)
            {
                size = Take(stream, 1)[0];
                if (size > 127) throw new InvalidDataException("The address is too long for this acceptor");
                read.WriteByte((byte)size);
            }
            read.Write(Take(stream, size), 0, size);
        }
    }

    static void Forward(Stream secured, byte[] preamble, int behind)
    {
        using (var inner = new TcpClient("127.0.0.1", behind))
        {
            inner.NoDelay = true;
            var plain = inner.GetStream();
            plain.Write(preamble, 0, preamble.Length);
            var back = Start(() => Pump(plain, secured));
            Pump(secured, plain);
            back.Join();
        }
    }

    static void Pump(Stream from, Stream to)
    {
        var piece = new byte[1 << 16];
        try
        {
            for (int size; (size = from.Read(piece, 0, piece.Length)) > 0;)
            {
                to.Write(piece, 0, size);
                to.Flush();
            }
        }
        catch (IOException) { }
        catch (ObjectDisposedException) { }
        finally { to.Close(); }
    }

    static byte[] Take(Stream stream, int size)
    {
        var taken = new byte[size];
        for (int have = 0; have < size;)
        {
            int more = stream.Read(taken, have, size - have);
            if (more == 0) throw new EndOfStreamException("The caller has gone");
            have += more;
        }
        return taken;
    }

    static Thread Start(ThreadStart work)
    {
        var thread = new Thread(work) { IsBackground = true };
        thread.Start();
        return thread;
    }

    static void Say(string line)
    {
        lock (typeof(Acceptor)) { Console.WriteLine(line); Console.Out.Flush(); }
    }
}
