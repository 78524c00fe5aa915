// swift-tools-version:6.2
import PackageDescription

// Somebody else's package: `scripts/newcomer` puts it, with the README's examples, into a folder of its own beside a link
// to this checkout.
let package = Package(
    name: "newcomer",
    dependencies: [.package(path: "../copilot")],
    targets: [
        .executableTarget(
            name: "newcomer",
            dependencies: [
                .product(name: "SSH", package: "copilot"), .product(name: "SSHKeys", package: "copilot"),
                .product(name: "SFTP", package: "copilot"), .product(name: "Recording", package: "copilot"),
            ], path: "Sources")
    ],
    swiftLanguageModes: [.v6]
)
