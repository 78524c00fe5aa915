import Foundation

/// What the service tells of a job.
struct Job: Codable, Sendable, Hashable {
    enum State: String, Codable, Sendable {
        /// Its tasks run.
        case running
        /// They have ended, and its environment waits for its owner.
        case ready
        /// Somebody is in its environment.
        case visited
        /// The environment is gone.
        case over
    }

    struct Step: Codable, Sendable, Hashable {
        enum State: String, Codable, Sendable { case waiting, running, passed, failed }

        var name: String
        var state = State.waiting

        var hasEnded: Bool { state == .passed || state == .failed }
    }

    var id: String
    var owner: String
    var state = State.running
    var tasks: [Step]
    /// The words of what its owner gets.
    var environment: [String]
    /// Where that starts.
    var folder: String
    /// The longest visit, in seconds.
    var seconds: Int

    var hasPassed: Bool { tasks.allSatisfy { $0.state == .passed } }
}

/// The file that the service begins with.
struct ServicePlan: Codable, Sendable {
    struct Work: Codable, Sendable {
        struct Step: Codable, Sendable {
            var name: String
            /// The words of a program.
            var command: [String]
        }

        var id: String
        var owner: String
        var tasks: [Step]
        var environment: [String]
        var seconds: Int
    }

    /// Lines of public keys by their people.
    var people: [String: [String]]
    var jobs: [Work]
}
