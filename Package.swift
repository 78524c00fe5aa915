// swift-tools-version:6.2
import PackageDescription

// `ENGINE_ONLY=1` leaves out everything above the SSH engine, and `CAPABILITIES_ONLY=1` everything above the
// capabilities, so that sanitizers, fuzzers and the tests of one floor build without a web server or a database.
let engineOnly = Context.environment["ENGINE_ONLY"] != nil
let capabilitiesOnly = Context.environment["CAPABILITIES_ONLY"] != nil
// `DOCC=1` adds the plugin that makes the libraries' documentation: no other build fetches it.
let makesDocumentation = Context.environment["DOCC"] != nil

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

func product(_ name: String, _ package: String) -> Target.Dependency { .product(name: name, package: package) }

let nioCore = product("NIOCore", "swift-nio")
let nioPosix = product("NIOPosix", "swift-nio")
let nioEmbedded = product("NIOEmbedded", "swift-nio")
let nioHTTP1 = product("NIOHTTP1", "swift-nio")
let nioWebSocket = product("NIOWebSocket", "swift-nio")
let nioSSL = product("NIOSSL", "swift-nio-ssl")
let crypto = product("Crypto", "swift-crypto")
let cryptoExtras = product("CryptoExtras", "swift-crypto")
let log = product("Logging", "swift-log")

func module(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource]? = nil) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource]? = nil) -> Target {
    .testTarget(
        name: name + "Tests", dependencies: [.byName(name: name)] + dependencies, resources: resources,
        swiftSettings: settings)
}

func example(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: "example-" + name.lowercased(), dependencies: ["SSHApplications", "SSH"] + dependencies,
        path: "Examples/" + name, swiftSettings: settings)
}

var dependencies: [Package.Dependency] = [
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
]

var products: [Product] = [
    .library(name: "SSH", targets: ["SSH", "SSHProtocol", "SSHKeys", "SSHCrypto"]),
    .library(name: "SSHKeys", targets: ["SSHKeys"]),
    .library(name: "SFTP", targets: ["SFTP"]),
    .library(name: "Recording", targets: ["Recording", "Terminal"]),
    .library(name: "ShellGrammar", targets: ["ShellGrammar", "LinearPattern", "Redaction"]),
]

var targets: [Target] = [
    // The engine: usable alone, knows nothing of HTTP or databases.
    .systemLibrary(name: "CLibCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CLibZ", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CLibArgon2", pkgConfig: "libargon2", providers: [.apt(["libargon2-dev"])]),
    .target(name: "CSSHCipher", dependencies: ["CLibCrypto", crypto]),
    .target(name: "CSSHKeyExchange", dependencies: ["CLibCrypto"]),
    .target(name: "CSNTRUP761", dependencies: ["CLibCrypto"]),
    module("SSHCrypto", ["CSSHCipher", "CSSHKeyExchange", "CSNTRUP761", "CLibZ", crypto, cryptoExtras, nioCore]),
    module("SSHKeys", ["SSHCrypto", "CLibArgon2", crypto, cryptoExtras, nioCore]),
    module("SSHProtocol", ["SSHKeys", "SSHCrypto", crypto, nioCore]),
    module("SSH", ["SSHProtocol", "SSHKeys", "SSHCrypto", crypto, nioCore, nioPosix]),
    .target(name: "CFileCalls"),
    module("SFTP", ["SSH", "SSHProtocol", "CFileCalls", crypto, nioCore, nioPosix]),
    // What a terminal shows, and how it is kept.
    module("Terminal", []),
    module("Recording", ["CLibZ", "Terminal", crypto, nioCore]),
    // What agents' commands and output are judged with: pure, and below everything that knows an agent.
    module("ShellGrammar", []),
    module("LinearPattern", []),
    module("Redaction", []),
    tests("ShellGrammar", []),
    tests("LinearPattern", []),
    tests("Redaction", []),
    .executableTarget(
        name: "packet-benchmark", dependencies: ["SSHCrypto", nioCore], path: "Benchmarks/Packets",
        swiftSettings: settings),
    .target(name: "CBenchmarkCalls", path: "Benchmarks/engine/calls"),
    .executableTarget(
        name: "engine-bench", dependencies: ["CBenchmarkCalls", "SFTP", "SSH", nioCore, nioPosix],
        path: "Benchmarks/engine/program", swiftSettings: settings),
    // What tests share: folders, programs and memory; and, over the engine, servers and keys.
    .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: settings),
    .target(
        name: "SSHTestSupport", dependencies: ["TestSupport", "SSH", "SSHKeys", "SSHProtocol", nioCore, nioPosix],
        path: "Tests/SSHTestSupport", swiftSettings: settings),
    tests(
        "SSHCrypto",
        ["TestSupport", "CSSHCipher", "CSSHKeyExchange", "packet-benchmark", crypto, cryptoExtras, nioCore]),
    tests("SSHKeys", ["TestSupport", "SSHCrypto", crypto, nioCore]),
    tests("SSHProtocol", ["TestSupport", "SSHKeys", "SSHCrypto", nioCore]),
    tests(
        "SSH",
        [
            "TestSupport", "SSHTestSupport", "engine-bench", "SSHProtocol", "SSHKeys", "SSHCrypto", nioCore, nioPosix,
            nioEmbedded,
        ]),
    tests(
        "SFTP",
        [
            "TestSupport", "SSHTestSupport", "SSH", "SSHKeys", "SSHProtocol", "CFileCalls", "SFTPServerOnPipes",
            crypto, nioCore, nioPosix, nioEmbedded,
        ]),
    // The engine against other people's programs, which live in its folder Peers.
    .testTarget(
        name: "InteropTests",
        dependencies: ["TestSupport", "SSHTestSupport", "SSH", "SSHKeys", "SFTP", crypto, nioCore, nioPosix],
        exclude: ["Peers"], swiftSettings: settings),
    // The fuzz targets' bodies; Fuzzing/ has a package of its own for libFuzzer.
    .testTarget(
        name: "FuzzTests",
        dependencies: [
            "SSH", "SFTP", "ShellGrammar", "LinearPattern", "Redaction", "Recording", "Terminal", nioCore, nioEmbedded,
        ],
        path: "Fuzzing",
        exclude: ["Entry", "Package.swift", "Seeds", "leaks-of-others"], sources: ["Bodies", "Tests"],
        swiftSettings: settings),
    // The server core on standard input and output, for the tests to put behind other programs' clients.
    .executableTarget(
        name: "SFTPServerOnPipes", dependencies: ["SFTP", nioCore, nioPosix], path: "Tests/SFTPServerOnPipes",
        swiftSettings: settings),
]

if !engineOnly {
    dependencies += [
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0")
    ]
    products += [
        .library(name: "SSHApplications", targets: ["SSHApplications", "SSHDispatch"])
    ]
    targets += [
        // The capabilities: each usable, tested and documented alone.
        module("Storage", [product("GRDB", "GRDB.swift")]),
        module("Policy", []),
        module("Vault", ["Storage", crypto]),
        module("Audit", ["Storage", crypto]),
        tests("Storage", []),
        tests("Policy", []),
        tests("Vault", ["Storage"]),
        tests("Audit", ["Storage", crypto]),
        tests("Recording", ["TestSupport", "Terminal", nioCore, crypto]),
        tests("Terminal", ["TestSupport"], resources: [.copy("Fixtures")]),
        // Programs of this machine: pipes, pseudo-terminals, accounts.
        .target(name: "CProcess"),
        .executableTarget(name: "copilot-login", dependencies: ["CProcess"]),
        module("LocalProcess", ["CProcess", nioCore, nioPosix]),
        tests("LocalProcess", ["CProcess", nioCore, nioPosix]),
        // What the everyday tools share: how a person is asked, how a host is found, how its errors read.
        .target(name: "CLocalCalls"),
        module(
            "SSHTools",
            [
                "CLocalCalls", "LocalProcess", "Recording", "SFTP", "SSH", "SSHCrypto", "SSHKeys", "SSHProtocol",
                "Terminal", crypto, nioCore, nioPosix,
            ]),
        tests(
            "SSHTools",
            ["Recording", "SFTP", "SSH", "SSHKeys", "SSHProtocol", "Terminal", nioCore, nioPosix, nioEmbedded]),
        // A local SSH endpoint over connections that are kept.
        module("Shim", ["SSHTools", "SSH", "SSHKeys", "SSHProtocol", nioCore, nioPosix]),
        tests("Shim", ["SSHTools", "SSH", "SSHKeys", "SSHProtocol", nioCore, nioPosix]),
        // A server for the accounts of a machine.
        module(
            "StandaloneServer",
            [
                "CProcess", "LocalProcess", "CLibArgon2", "SSH", "SSHKeys", "SSHProtocol", "SFTP", nioCore, nioPosix,
            ]),
        tests("StandaloneServer", ["LocalProcess", "SSH", "SSHKeys", "SSHProtocol", nioCore, nioPosix]),
        // Interactive applications, and who comes to them.
        module("SSHDispatch", ["SSHKeys"]),
        module("SSHApplications", ["SSHDispatch", "SSH", "Terminal", nioCore, nioPosix]),
        .executableTarget(name: "copilot-dispatch", dependencies: ["SSHDispatch"], swiftSettings: settings),
        example("Hello", []),
        example("Life", []),
        example("Builds", ["LocalProcess", nioCore, nioPosix, nioHTTP1]),
        tests(
            "SSHApplications",
            [
                "SSHDispatch", "example-hello", "example-life", "example-builds", "Terminal", "SSH", "SSHKeys", nioCore,
                nioPosix,
            ]),
    ]
}

if !engineOnly && !capabilitiesOnly {
    dependencies += [
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ]
    let capabilities: [Target.Dependency] = ["Storage", "Policy", "Vault", "Audit", "Recording", "Terminal"]
    targets += [
        // The gateway: the domain, its web face and the command line.
        module(
            "Gateway",
            capabilities + [
                "SSHDispatch", "SSH", "SSHKeys", "SSHProtocol", "SFTP", "LinearPattern", "Redaction", "ShellGrammar",
                "CLibArgon2", "CLibZ", crypto, nioCore, nioPosix, nioHTTP1, nioSSL, log, product("Yams", "Yams"),
            ]),
        // The Model Context Protocol, apart from how its messages come; and between standard input and a copilot.
        module("MCP", []),
        module("MCPBridge", ["MCP", nioCore, nioPosix, nioHTTP1, nioSSL]),
        tests("MCP", []),
        module(
            "GatewayWeb",
            capabilities + [
                "Gateway", "MCP", "SFTP", crypto, nioCore, nioPosix, nioHTTP1, nioWebSocket, nioSSL, log,
                product("Hummingbird", "hummingbird"), product("HummingbirdCore", "hummingbird"),
                product("HTTPTypes", "swift-http-types"),
                product("NIOHTTPTypes", "swift-nio-extras"), product("NIOHTTPTypesHTTP1", "swift-nio-extras"),
                product("X509", "swift-certificates"), product("SwiftASN1", "swift-asn1"),
                product("JWTKit", "jwt-kit"), product("ServiceLifecycle", "swift-service-lifecycle"),
            ],
            resources: [.copy("Resources")]),
        // The gateway's own SSH port.
        module(
            "GatewaySSH",
            [
                "Gateway", "SFTP", "SSH", "SSHApplications", "SSHDispatch", "SSHKeys", "SSHProtocol", "Storage",
                "Terminal", log, nioCore,
            ]),
        .executableTarget(
            name: "copilot",
            dependencies: capabilities + [
                "Gateway", "GatewaySSH", "GatewayWeb", "MCPBridge", "SSHTools", "LocalProcess", "StandaloneServer",
                "Shim", "SSHDispatch", "SSH", "SSHKeys", log, nioCore, nioPosix, crypto,
                product("ArgumentParser", "swift-argument-parser"), product("Yams", "Yams"),
                product("ServiceLifecycle", "swift-service-lifecycle"),
                product("UnixSignals", "swift-service-lifecycle"),
            ],
            swiftSettings: settings),
        tests(
            "Gateway",
            capabilities + [
                "TestSupport", "SSHDispatch", "SSH", "SSHKeys", "SFTP", "CLibZ", crypto, nioCore, nioPosix, nioEmbedded,
                log,
            ]),
        tests(
            "GatewaySSH",
            [
                "SSHTestSupport", "TestSupport", "Gateway", "SSH", "SSHApplications", "SSHKeys", "SSHProtocol", nioCore,
                nioPosix, log,
            ]),
        tests(
            "GatewayWeb",
            capabilities + [
                "TestSupport", "Gateway", nioCore, nioPosix, log, product("Yams", "Yams"),
                product("HTTPTypes", "swift-http-types"),
            ]),
    ]
}

if makesDocumentation {
    dependencies += [.package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.4.6")]
}

let package = Package(
    name: "copilot",
    platforms: [.macOS(.v15)],
    products: products,
    dependencies: dependencies,
    targets: targets
)
