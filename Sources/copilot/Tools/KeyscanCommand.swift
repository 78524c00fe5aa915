import ArgumentParser
import Foundation
import SSH
import SSHKeys
import SSHTools

struct KeyscanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keyscan",
        abstract: "Read the host keys of many hosts at once.",
        discussion: """
            Prints lines for known_hosts on standard output; hosts that do not answer are \
            named on standard error. Nobody logs in. What comes over the network may be \
            another machine's: compare fingerprints before trusting it.

            EXAMPLE
              copilot keyscan web-1 web-2:2222 >> ~/.ssh/known_hosts
              copilot keyscan -H -t ed25519 -f hosts.txt
              copilot keyscan --json 10.0.0.5 | jq -r '.[].keys[].fingerprint'

            EXIT STATUS
              0  every host showed a key
              1  some did not
              2  none did, or it could not be done
            """)

    @Argument(help: "Hosts: NAME, NAME:PORT, [ADDRESS]:PORT.") var hosts: [String] = []
    @Option(
        name: [.customShort("p", allowingJoined: true), .long], help: ArgumentHelp("The port.", valueName: "number"))
    var port = 22
    @Option(
        name: [.customShort("t", allowingJoined: true), .customLong("types")],
        help: ArgumentHelp("ed25519, ecdsa, rsa, with commas between. (default: all)", valueName: "types"),
        completion: .list(["ed25519", "ecdsa", "rsa"]))
    var types: String?
    @Option(
        name: [.customShort("T", allowingJoined: true), .long],
        help: ArgumentHelp("How long a connection may take.", valueName: "seconds"))
    var timeout = 5.0
    @Option(
        name: [.customShort("f", allowingJoined: true), .customLong("file")],
        help: ArgumentHelp(
            "Hosts from a file, one in each line: ADDRESS[,ADDRESS] [NAME,NAME]; - is standard input.",
            valueName: "file"), completion: .file())
    var file: String?
    @Option(help: ArgumentHelp("Hosts at once.", valueName: "number")) var parallel = 32
    @Flag(name: [.customShort("H"), .long], help: "Hide the names behind hashes.") var hash = false
    @Flag(name: [.customShort("q"), .long], help: "Do not name the hosts' software on standard error.") var quiet =
        false
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        guard (1...65535).contains(port) else { throw ValidationError("A port is 1 to 65535.") }
        guard timeout > 0, timeout <= 3600 else { throw ValidationError("A time-out is up to 3600 seconds.") }
        guard (1...256).contains(parallel) else { throw ValidationError("1 to 256 hosts are asked at once.") }
        _ = try keyTypes()
        guard !hosts.isEmpty || file != nil else { throw ValidationError("Name a host.") }
    }

    private func keyTypes() throws -> [KeyScan.KeyType] {
        guard let types else { return KeyScan.KeyType.allCases }
        return try types.split(separator: ",").map { name in
            guard let type = KeyScan.KeyType(rawValue: name.lowercased()) else {
                throw ValidationError("There is no key type '\(name)': they are ed25519, ecdsa and rsa.")
            }
            return type
        }
    }

    func run() async throws {
        try await Failure.reported {
            var targets = try hosts.flatMap { $0.split(separator: ",") }
                .map { try KeyScan.Target(String($0), port: port) }
            if let file {
                let text = String(decoding: try KeyFiles.read(file, limit: 16 << 20), as: UTF8.self)
                targets += try KeyScan.Target.list(text, port: port)
            }
            var scan = KeyScan(types: try keyTypes(), timeout: .seconds(timeout))
            scan.width = parallel
            let findings = KeyScanFindings(count: targets.count)
            await scan.run(targets) { index, finding in
                await findings.add(finding, at: index)
                if !json { say(finding) }
            }
            let all = await findings.all
            if json { try JSONOutput.print(all.map { ScannedHost($0) }) }
            let silent = all.count { $0.keys.isEmpty }
            if silent > 0 { throw ExitCode(silent == all.count ? 2 : Failure.Status.foundWrong.rawValue) }
        }
    }

    private func say(_ finding: KeyScan.Finding) {
        let place = "\(finding.target.endpoint.host):\(finding.target.endpoint.port)"
        if let server = finding.server, !quiet { PersonTerminal.error("# \(place) \(server)") }
        finding.lines(isHashed: hash).forEach { PersonTerminal.print($0) }
        if let failure = finding.failure {
            PersonTerminal.error("copilot: \(place): \(failure.description)")
        } else if finding.keys.isEmpty {
            PersonTerminal.error("copilot: \(place): it has no key of these types.")
        }
    }
}

/// The findings in the order of the hosts.
private actor KeyScanFindings {
    private var findings: [KeyScan.Finding?]

    init(count: Int) { findings = Array(repeating: nil, count: count) }

    func add(_ finding: KeyScan.Finding, at index: Int) {
        if findings.indices.contains(index) { findings[index] = finding }
    }

    var all: [KeyScan.Finding] { findings.compactMap { $0 } }
}

private struct ScannedHost: Encodable {
    let host: String
    let port: Int
    let server: String?
    let keys: [KeyDescription]
    let error: String?

    init(_ finding: KeyScan.Finding) {
        host = finding.target.endpoint.host
        port = finding.target.endpoint.port
        server = finding.server
        keys = finding.keys.map { KeyDescription(.key($0), comment: "") }
        error = finding.failure?.description
    }
}
