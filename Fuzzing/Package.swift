// swift-tools-version:6.2
import PackageDescription

// The fuzz targets as one static library: `../fuzz` builds it with ENGINE_ONLY=1 in release mode under libFuzzer and the
// address sanitizer, and links it. The bodies see the insides of the engine, so it is built with -enable-testing.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
    name: "fuzz",
    platforms: [.macOS(.v15)],
    products: [.library(name: "FuzzTargets", type: .static, targets: ["FuzzEntry"])],
    dependencies: [
        .package(name: "copilot", path: ".."),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    ],
    targets: [
        .target(
            name: "FuzzBodies",
            dependencies: [
                .product(name: "SSH", package: "copilot"), .product(name: "SFTP", package: "copilot"),
                .product(name: "ShellGrammar", package: "copilot"), .product(name: "Recording", package: "copilot"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOEmbedded", package: "swift-nio"),
            ],
            path: "Bodies", swiftSettings: settings),
        .target(name: "FuzzEntry", dependencies: ["FuzzBodies"], path: "Entry", swiftSettings: settings),
    ]
)
