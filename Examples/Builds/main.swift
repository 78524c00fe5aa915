import Foundation
import SSH
import SSHApplications

// `builds service --port PORT --folder DIR --plan FILE` is the service; everything else is the application, which asks
// it at `--service URL`: with --listen a server of its own, else one visit on the standard streams, for sshd.
if CommandLine.arguments.dropFirst().first == "service", ProcessInfo.processInfo.environment["COPILOT_WORDS"] == nil {
    exit(await ServiceProgram.run(Array(CommandLine.arguments.dropFirst(2))))
}
exit(
    await ApplicationProgram.run(name: "builds") { arguments in
        guard let address = try arguments.take("--service") else {
            throw ApplicationFailure.usage("The build service is not named.", hint: "--service http://127.0.0.1:8090")
        }
        return Builds(service: try ServiceClient(address))
    })
