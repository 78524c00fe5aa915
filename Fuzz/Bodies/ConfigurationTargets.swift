import Foundation
import NIOCore

@testable import SSH

extension FuzzTarget {
    static let configuration: [FuzzTarget] = [
        FuzzTarget("ssh-config", seeds: { configurationSeeds }) { try readConfiguration($0) }
    ]

    static let forwarding: [FuzzTarget] = [
        FuzzTarget("socks", seeds: { socksSeeds }) { try negotiate($0) }
    ]

    /// In memory where there is such a place: a disk would be what is measured.
    private static let folder =
        FileManager.default.isWritableFile(atPath: "/dev/shm")
        ? "/dev/shm" : FileManager.default.temporaryDirectory.path

    /// Runs nothing and asks nobody.
    private static let context: ConfigurationContext = {
        var context = ConfigurationContext(
            localUser: "ada", userID: 0, homeFolder: "/nonexistent", localHostName: "here.example",
            environment: { $0 == "HOME" ? "/nonexistent" : nil }, runs: { $0.count % 2 == 0 }, alias: { _ in nil })
        context.systemFolder = "/nonexistent"
        return context
    }()

    @Sendable private static func readConfiguration(_ bytes: [UInt8]) throws {
        // Files of the machine are not to be read.
        let lines = bytes.split(separator: 10).filter {
            !String(decoding: $0, as: UTF8.self).lowercased().contains("include")
        }
        let file = folder + "/fuzz-ssh-config-\(UInt64.random(in: 0...UInt64.max))"
        defer { try? FileManager.default.removeItem(atPath: file) }
        let isWritten = FileManager.default.createFile(atPath: file, contents: Data(lines.joined(separator: [10])))
        try hold(isWritten, "No file can be made in \(folder)")
        let resolved = try? SSHConfiguration.resolve(
            host: "host.example", files: .only(file), context: context)
        guard let configuration = resolved else { return }
        _ = configuration.lines
        _ = try? configuration.identityFiles()
        _ = try? configuration.certificateFiles()
        _ = try? configuration.proxyCommand()
        _ = try? configuration.localCommand()
        _ = try? configuration.algorithmPreferences()
        _ = configuration.environment(from: ["LANG": "C", "LC_ALL": "C"])
    }

    private static let configurationSeeds = [
        """
        Host *.example !bad.example
            HostName %h.net
            Port 2222
            IdentityFile ~/.ssh/id_%r ${HOME}/k
            LocalForward 127.0.0.1:80 [::1]:8080
            RemoteForward 90
            DynamicForward *:1080
            ProxyJump ada@jump:22,other
            Ciphers +aes128-cbc
            KexAlgorithms ^curve25519-sha256
            RekeyLimit 1G 1h
            SendEnv LC_* -LANG
            SetEnv A="b c"
        """,
        """
        Match host host.example user ada exec "test %h" !final
            ControlPath /tmp/%C
            ServerAliveInterval 15
            StrictHostKeyChecking accept-new
            IPQoS af21 cs1
            EscapeChar ^]
        Match final all
            CanonicalizeHostname yes
            CanonicalDomains example
            CanonicalizePermittedCNAMEs *.a:*.b
            AddKeysToAgent confirm 5m
            Tunnel ethernet
            TunnelDevice 1:any
        """,
    ].map { Array($0.utf8) }

    private static let socksSeeds: [[UInt8]] = [
        [1, 4, 1, 0, 80, 127, 0, 0, 1, 97, 0], [3, 4, 1, 0, 80, 0, 0, 0, 1, 0, 104, 0, 1, 2],
        [0, 5, 2, 1, 0, 5, 1, 0, 3, 1, 104, 0, 80], [2, 5, 1, 0, 5, 1, 0, 4] + [UInt8](repeating: 1, count: 18),
        [2, 5, 1, 0, 5, 1, 0, 1, 10, 0, 0, 1, 0, 22],
    ]

    /// The first byte is the size of the pieces; in one piece it must come to the same.
    @Sendable private static func negotiate(_ bytes: [UInt8]) throws {
        var input = FuzzInput(bytes)
        let size = input.byte()
        let stream = ByteBuffer(bytes: input.rest)
        let whole = steps([stream])
        let cut = steps(stream.pieces([UInt8](repeating: size, count: 2048)))
        try hold(whole.steps == cut.steps || stream.readableBytes > 1024, "A request in pieces is read otherwise")
        for case .connect(let host, let port) in whole.steps {
            try hold(!host.isEmpty && !host.utf8.contains(0) && (0...65535).contains(port), "A target that is none")
        }
        try hold(whole.rest <= 1024 || whole.isOver, "Bytes without a limit wait for their end")
    }

    private static func steps(
        _ pieces: [ByteBuffer]
    ) -> (steps: [SocksNegotiation.Step], rest: Int, isOver: Bool) {
        var (negotiation, buffer, steps) = (SocksNegotiation(), ByteBuffer(), [SocksNegotiation.Step]())
        for piece in pieces {
            buffer.writeImmutableBuffer(piece)
            loop: while true {
                let step = negotiation.advance(&buffer)
                switch step {
                case .needsMore: break loop
                case .reply: steps.append(step)
                case .connect, .fail: return (steps + [step], buffer.readableBytes, true)
                }
            }
        }
        return (steps, buffer.readableBytes, false)
    }
}
