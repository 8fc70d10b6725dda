// Package proxy lets a workload without a network reach the hosts that the policy names, and hosts reach a server
// inside that is published.
//
// # Theory of operation
//
//	box (loopback only)              proxy process (net cell)                 outside
//	  command ─ 127.0.0.1:3128 ───►  accepts, CONNECT host:port
//	                                 matches network_hosts, resolves,
//	                                 checks every address, dials ───────────► host
//	            ◄────── 200 ───────
//	            ─── ClientHello ──►  server name = host of CONNECT? ────────► bytes
//	  server  ◄─ 127.0.0.1:8000 ───  accepts on the host's published port ◄── client
//
// No interface joins the two sides. Pid 1 of the box makes the sockets of the inner side in the box's own network
// namespace and hands them to the proxy (isolate.Portal); a socket stays in the namespace that it was made in. The proxy
// is a process of its own, this very program again, because it reads bytes of the workload and of hosts: it has no
// privilege, no environment and no files but those of name resolution, and may connect to the listed ports only (see
// isolate.NetCellInit; the report has what the kernel shows of it). It ends with the supervisor: with the thread that
// started it, and when its socket to the supervisor closes. When it ends early, connections fail, nothing is reachable
// from then on, and the report says so.
//
// # What is relayed
//
// TLS to hosts that network_hosts names, and nothing else. A request is CONNECT with a host name; addresses are refused
// in every spelling, and so is plain http, even to a listed port: nothing in it would tell which host answers. The name
// is resolved here, as an absolute name; when any of its addresses is not public (private, loopback, link-local and
// metadata, CGNAT, multicast, reserved, embedded in IPv6, this machine's own) the connection is refused; an address that
// was checked is the one that is dialled. Nothing is passed on before a ClientHello with that very server name; a
// missing or an encrypted one (ECH) is refused. Bytes, connections and times are limited by the policy's network_ keys.
//
// # What it cannot see
//
// What is inside TLS. A host that relays to others, or a content network that serves many customers behind one name and
// chooses by the Host header, can carry data to whoever has an account there: naming a host in the policy trusts it with
// everything the workload has. The second ClientHello after a HelloRetryRequest (RFC 8446, 4.1.4) is not read; a server
// that took another name from it would break the specification. Names below a wildcard carry some bytes to the name
// servers of that domain; 256 names in a run are the bound. How often the workload connects, and how much it sends,
// is itself a message to the host.
//
// A proxy of the caller's network (HTTPS_PROXY) is not used: hosts are dialled directly.
package proxy
