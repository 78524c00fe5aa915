import CLocalCalls
import Foundation
import NIOCore
import NIOPosix
import SSH
import SSHKeys

/// An agent as a program runs it: our own server behind a socket, with confirmations by SSH_ASKPASS.
public struct AgentProgram: Sendable {
    private let server: SSHAgentServer
    private let listener: AgentListener
    private let place: AgentPlace

    /// What SSH_AUTH_SOCK is to be.
    public var socket: String { listener.path }

    /// Starts to listen.
    ///
    /// - Parameters:
    ///   - place: of the socket.
    ///   - lifetime: seconds that a key stays which is added without a lifetime; nil for ever.
    ///
    /// Keys that want a confirmation are asked about by the program of SSH_ASKPASS; without one they never sign.
    public static func start(at place: AgentPlace, lifetime: UInt32? = nil) async throws(Failure) -> AgentProgram {
        // Another program of the same account must not read the keys out of this one.
        _ = process_forbid_inspection()
        let program = AskpassProgram.fromEnvironment()
        let server = SSHAgentServer(machine: AgentServerMachine(defaultLifetime: lifetime)) { question in
            let prompt = PersonPrompt(.confirmation, question.sentence, isShown: true)
            // The program stands there until somebody has decided.
            let said = try? await NIOThreadPool.singleton.runIfActive { program?.ask(prompt) }
            // As OpenSSH takes it: nothing said is a yes, if the program ended well.
            return (said ?? nil).map { ["", "yes"].contains($0.lowercased()) } ?? false
        }
        do throws(SSHAgentError) {
            let listener = try await server.listen(at: place.socket)
            return AgentProgram(server: server, listener: listener, place: place)
        } catch {
            place.remove()
            throw Failure(error.description, hint: error.hint)
        }
    }

    /// Stops listening, forgets the keys, and removes the socket.
    public func stop() async {
        await listener.close()
        await server.removeAll()
        place.remove()
    }
}

extension AgentQuestion {
    /// What the person is asked. The comment and the names are others' words.
    var sentence: String {
        var lines = [
            "Allow use of key \(Printable.line(comment))?", "Key fingerprint \(identity.publicKey.fingerprint).",
        ]
        if let destination {
            let name = user.map { "\($0)@\(destination)" } ?? destination
            lines.append(Printable.line("For \(name)" + (through.map { ", asked from \($0)" } ?? "") + "."))
        } else if let through {
            lines.append(Printable.line("Asked from \(through)."))
        }
        return lines.joined(separator: "\n")
    }
}
