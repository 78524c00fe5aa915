import SFTP

/// A folder and everything below it, depth first. No link is followed, so there is no way round in circles and none out
/// of the folder; what a hostile server invents ends at a limit.
struct FolderWalk {
    enum Step: Sendable {
        case enters(RemotePath, FileAttributes)
        case file(RemotePath, FileAttributes)
        /// A link, a device, a socket.
        case other(RemotePath, FileAttributes)
        case leaves(RemotePath)
    }

    /// Files and folders at most, and folders within folders.
    static let mostNames = 500_000
    static let deepest = 128

    private struct Level {
        let path: RemotePath
        var rest: ArraySlice<(name: RemotePath, attributes: FileAttributes)>
    }

    private let client: SFTPClient
    private var levels: [Level] = []
    private var root: RemotePath?
    private var names = 0

    /// - Parameter root: A folder, as the host's own absolute path.
    init(_ root: RemotePath, _ client: SFTPClient) {
        self.root = root
        self.client = client
    }

    /// The next step; nil after the root was left.
    mutating func next() async throws -> Step? {
        if let root {
            self.root = nil
            let attributes = try await client.attributes(of: root, followingLink: false)
            levels = [Level(path: root, rest: try await names(of: root))]
            return .enters(root, attributes)
        }
        guard let level = levels.last else { return nil }
        guard let (name, attributes) = levels[levels.count - 1].rest.popFirst() else {
            levels.removeLast()
            return .leaves(level.path)
        }
        let path = try level.path.appending(name)
        switch attributes.kind {
        case .directory: return try await enter(path, attributes)
        case .symbolicLink, .other: return .other(path, attributes)
        case .regular: return .file(path, attributes)
        case nil:
            // A listing without kinds: the server is asked for each.
            let known = try await client.attributes(of: path, followingLink: false)
            switch known.kind {
            case .directory: return try await enter(path, known)
            case .symbolicLink, .other: return .other(path, known)
            case .regular, nil: return .file(path, known)
            }
        }
    }

    private mutating func enter(_ path: RemotePath, _ attributes: FileAttributes) async throws -> Step {
        guard levels.count < Self.deepest else { throw Self.tooMuch("has folders within folders without end") }
        // Somebody may have put a link there since the listing: what is opened must be where it is named.
        let real = try await client.canonicalPath(of: path)
        guard real == path else {
            throw GatewayError(
                "file_changed", status: 409, "“\(path)” became a link while the folder was gone through.",
                hint: "Look who changes it, then try again.")
        }
        levels.append(Level(path: path, rest: try await names(of: path)))
        return .enters(path, attributes)
    }

    private mutating func names(of folder: RemotePath) async throws -> ArraySlice<
        (name: RemotePath, attributes: FileAttributes)
    > {
        var found: [(name: RemotePath, attributes: FileAttributes)] = []
        for try await entry in client.list(folder) {
            names += 1
            guard names <= Self.mostNames else { throw Self.tooMuch("has more than \(Self.mostNames) names") }
            // A name that would lead elsewhere ends the walk: nothing of such a server is to be trusted.
            _ = try folder.appending(entry.name)
            found.append((entry.name, entry.attributes.plain))
        }
        found.sort { $0.name.bytes.lexicographicallyPrecedes($1.name.bytes) }
        return found[...]
    }

    private static func tooMuch(_ what: String) -> GatewayError {
        GatewayError(
            "folder_too_large", status: 409, "This folder \(what).",
            hint: "Take a part of it, or use a command in the terminal.")
    }
}
