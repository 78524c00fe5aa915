import ArgumentParser
import Foundation
import Gateway
import GatewayWeb
import SSHTools

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Check how the copilot is set up and say what to mend.",
        discussion: """
            Looks at folders and their modes, the root key and its place, the database, the certificate, disk, page, \
            port and clock. Nothing is changed, and the copilot may run meanwhile. Exit status 1 says that something \
            has to be mended; warnings alone leave it at 0.

            EXAMPLE
              copilot doctor --data /srv/copilot --json
            """)

    @OptionGroup(title: "Where things are kept") var keeping: KeepingOptions
    @OptionGroup(title: "How it is reached") var serving: ServingOptions
    @Flag(help: "Print JSON.") var json = false

    func run() async throws {
        try await Failure.reported {
            let doctor = Doctor(
                try keeping.settings(serving), environment: ProcessInfo.processInfo.environment,
                executable: Executable.path)
            let findings = await doctor.examine() + [doctor.certificate()]
            if json { try JSONOutput.print(findings) } else { show(findings) }
            if findings.contains(where: { $0.outcome == .fault }) { throw ExitCode(Failure.Status.foundWrong.rawValue) }
        }
    }

    private func show(_ findings: [Doctor.Finding]) {
        for finding in findings {
            let mark =
                switch finding.outcome {
                case .good: "ok     "
                case .warning: "warning"
                case .fault: "FAULT  "
                }
            PersonTerminal.print("\(mark)  \(finding.sentence)")
            if let remedy = finding.remedy { PersonTerminal.print("         \(remedy)") }
        }
        let faults = findings.count { $0.outcome == .fault }
        PersonTerminal.print(faults == 0 ? "Nothing has to be mended." : "To be mended: \(faults).")
    }
}

/// The program that runs.
enum Executable {
    static var path: String { Bundle.main.executablePath ?? CommandLine.arguments.first ?? "copilot" }
}
