import Foundation
import NIOCore
import NIOPosix
import Testing

/// A TCP port of loopback that was free a moment ago.
func freePort() async throws -> Int {
    let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .bind(host: "127.0.0.1", port: 0).get()
    let port = channel.localAddress?.port ?? 0
    try await channel.close()
    return port
}

/// Asks again and again until it is true, at most `seconds` long.
func eventually(within seconds: Double = 30, _ condition: () async throws -> Bool) async throws -> Bool {
    let end = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < end {
        if try await condition() { return true }
        try await Task.sleep(for: .milliseconds(10))
    }
    return try await condition()
}

/// Whether something listens there.
func isListening(_ port: Int, host: String = "127.0.0.1") async -> Bool {
    guard
        let channel = try? await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: host, port: port).get()
    else { return false }
    try? await channel.close()
    return true
}

/// `#expect(got == expected)` for megabytes: a failure prints their sizes instead of all of them, which takes minutes.
func expectSame(_ got: [UInt8], _ expected: [UInt8], sourceLocation: SourceLocation = #_sourceLocation) {
    let isSame = got == expected
    let place = zip(got, expected).enumerated().first { $1.0 != $1.1 }?.offset
    #expect(
        isSame, "\(got.count) of \(expected.count) bytes, first difference at \(place.map(String.init) ?? "none")",
        sourceLocation: sourceLocation)
}
