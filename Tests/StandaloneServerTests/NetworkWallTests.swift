import NIOCore
import Testing

@testable import StandaloneServer

struct NetworkWallTests {
    @Test(
        "Private networks are inside by default",
        arguments: [
            "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.255.1", "127.0.0.1", "127.255.255.254", "169.254.3.4",
            "::1", "fe80::1", "fe80::1%eth0", "fd00::1", "fc00::1",
        ])
    func inside(address: String) throws {
        #expect(try NetworkWall().admits(address))
    }

    @Test(
        "Everything else is outside by default",
        arguments: [
            "8.8.8.8", "172.15.255.255", "172.32.0.0", "192.167.1.1", "11.0.0.0", "126.255.255.255", "128.0.0.1",
            "100.64.0.1", "100.127.255.255", "0.0.0.0", "255.255.255.255", "224.0.0.1", "2001:db8::1", "::", "fec0::1",
            "ff02::1", "fe00::1", "64:ff9b::a00:1", "", "nonsense", "10.0.0.256", "::ffff:8.8.8.8", "::10.0.0.1",
        ])
    func outside(address: String) throws {
        #expect(try !NetworkWall().admits(address))
    }

    @Test("An IPv4 address within IPv6 counts as the IPv4 address", arguments: ["::ffff:10.1.2.3", "::FFFF:a01:203"])
    func mapped(address: String) throws {
        #expect(try NetworkWall().admits(address))
        #expect(try !NetworkWall(.loopback).admits(address))
        #expect(try NetworkWall(allowed: ["203.0.113.0/24"]).admits("::ffff:203.0.113.9"))
    }

    @Test("Networks that are named are added to the private ones")
    func named() throws {
        let wall = try NetworkWall(allowed: ["100.64.0.0/10", "2001:db8::/32", "198.51.100.7"])
        for address in ["100.64.0.1", "2001:db8::5", "198.51.100.7", "10.0.0.1"] { #expect(wall.admits(address)) }
        for address in ["100.128.0.0", "2001:db9::", "198.51.100.8"] { #expect(!wall.admits(address)) }
    }

    @Test("Loopback is 127.0.0.0/8 and ::1, and nothing else")
    func loopback() throws {
        let wall = try NetworkWall(.loopback)
        for address in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] { #expect(wall.admits(address)) }
        for address in ["10.0.0.1", "192.168.0.1", "fe80::1", "::2", "128.0.0.1"] { #expect(!wall.admits(address)) }
    }

    @Test("Without the wall every address is taken, and what is no address is not")
    func everywhere() throws {
        let wall = try NetworkWall(.everywhere)
        #expect(wall.admits("8.8.8.8") && wall.admits("2001:db8::1"))
        #expect(!wall.admits("nonsense"))
    }

    @Test(
        "What is no network is an error", arguments: ["10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/", "any", "", "::/129"])
    func malformed(text: String) {
        #expect(throws: StandaloneServerError.self) { try NetworkWall(allowed: [text]) }
    }

    @Test("Sockets' addresses are judged as their text is, and what came over no network is local")
    func sockets() throws {
        let wall = try NetworkWall()
        #expect(wall.admits(try SocketAddress(ipAddress: "192.168.1.1", port: 1)))
        #expect(!wall.admits(try SocketAddress(ipAddress: "203.0.113.1", port: 1)))
        #expect(!wall.admits(try SocketAddress(ipAddress: "::ffff:203.0.113.1", port: 1)))
        #expect(wall.admits(nil as SocketAddress?))
    }
}
