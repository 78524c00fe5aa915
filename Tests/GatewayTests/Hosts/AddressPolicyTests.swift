import NIOCore
import Testing

@testable import Gateway

@Suite struct AddressPolicyTests {
    private func mayConnect(_ address: String, allowing: [String] = []) throws -> Bool {
        let policy = AddressPolicy(allowed: allowing.compactMap(AddressRange.init))
        return policy.mayConnect(to: try SocketAddress(ipAddress: address, port: 22))
    }

    @Test(
        "link-local, metadata, unspecified and multicast addresses are refused, in every spelling",
        arguments: [
            "169.254.169.254", "169.254.0.1", "0.0.0.0", "0.1.2.3", "224.0.0.1", "239.255.255.255", "255.255.255.255",
            "::", "fe80::1", "febf::1", "ff02::1", "fd00:ec2::254", "::ffff:169.254.169.254",
            "::ffff:0:169.254.169.254", "64:ff9b::a9fe:a9fe", "100.100.100.200",
        ])
    func refused(address: String) throws {
        #expect(try !mayConnect(address))
    }

    @Test(
        "ordinary and private addresses are allowed",
        arguments: [
            "127.0.0.1", "10.0.0.1", "192.168.1.1", "169.253.255.255", "8.8.8.8", "::1", "fd00::1", "2001:db8::1",
        ])
    func allowed(address: String) throws {
        #expect(try mayConnect(address))
    }

    @Test("the configuration can allow a network, and only that one")
    func configured() throws {
        #expect(try mayConnect("169.254.7.9", allowing: ["169.254.7.0/24"]))
        #expect(try mayConnect("::ffff:169.254.7.9", allowing: ["169.254.7.0/24"]))
        #expect(try !mayConnect("169.254.169.254", allowing: ["169.254.7.0/24"]))
    }

    @Test("a socket without an IP address is refused")
    func unixSocket() throws {
        #expect(!AddressPolicy(allowed: []).mayConnect(to: try SocketAddress(unixDomainSocketPath: "/tmp/x")))
    }
}
