// A folder of this machine that no path, symbolic link or race leads out of.
//
// Every path is resolved from the folder's own descriptor: by the kernel (openat2 with RESOLVE_BENEATH and
// RESOLVE_NO_MAGICLINKS), or, where the kernel cannot, component by component with O_NOFOLLOW and links read by us. What
// is done to the last component itself (remove, rename, make, look at a link) is done relative to its parent's descriptor.
// A symbolic link that leads out of the folder, and one with an absolute target, is refused where it is used.

import CFileCalls

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

struct RootedDirectory: Sendable {
    /// Whether symbolic links are passed on the way, when they stay within; else each is refused.
    enum Links: Sendable { case followed, refused }

    let root: OpenDescriptor
    private let kernelResolves: Bool

    /// - Parameters:
    ///   - path: An existing directory; links on the way to it are followed.
    ///   - kernelResolves: False to walk the components even where the kernel could do better.
    init(path: String, kernelResolves: Bool = true) throws(SystemFailure) {
        root = OpenDescriptor(try uninterrupted { openSystemPath(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0) })
        self.kernelResolves = kernelResolves && file_has_open_beneath() != 0
    }

    /// Opens what the path leads to.
    ///
    /// - Parameters:
    ///   - path: From the root; a leading slash means the same.
    ///   - flags: Of open(2). O_NOFOLLOW concerns the last component.
    func open(
        _ path: RemotePath, _ flags: Int32, mode: mode_t = 0, links: Links = .followed
    ) throws(SystemFailure) -> OpenDescriptor {
        let components = try Self.safeComponents(path)
        if kernelResolves {
            let text = components.isEmpty ? [46] : Array(components.joined(separator: [UInt8(ascii: "/")]))
            let number = withPath(text) { file_open_beneath(root.number, $0, flags, mode, links == .refused ? 1 : 0) }
            guard number >= 0 else { throw .last }
            return OpenDescriptor(number)
        }
        var walk = ComponentWalk(root: root, followsLinks: links == .followed)
        return try walk.open(components, flags, mode: mode)
    }

    /// The directory that holds the last component, and that component's name.
    ///
    /// - Throws: EBUSY for the root itself, which has no parent here.
    func parent(
        of path: RemotePath, links: Links = .followed
    ) throws(SystemFailure) -> (directory: OpenDescriptor, name: [UInt8]) {
        var components = try Self.safeComponents(path)
        guard let name = components.popLast() else { throw SystemFailure(EBUSY) }
        let path = RemotePath(bytes: Array(components.joined(separator: [UInt8(ascii: "/")])))
        let flags = (file_open_path_only != 0 ? file_open_path_only : O_RDONLY) | O_DIRECTORY
        return (try open(path, flags, links: links), name)
    }

    /// ".." is taken by its letters before it gets here; one that is left is refused, and so is NUL, which would cut the
    /// path short.
    private static func safeComponents(_ path: RemotePath) throws(SystemFailure) -> [[UInt8]] {
        let components = path.components.filter { $0 != [46] }
        for component in components where component == [46, 46] || component.contains(0) {
            throw SystemFailure(component.contains(0) ? EINVAL : EXDEV)
        }
        return components
    }
}

/// open(2), by a name that no method of a type hides.
func openSystemPath(_ path: String, _ flags: Int32, _ mode: mode_t) -> Int32 { open(path, flags, mode) }

/// Calls with a path as a C string.
func withPath<T>(_ bytes: [UInt8], _ body: (UnsafePointer<CChar>) -> T) -> T {
    (bytes.map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer { buffer in
        // The array is never empty: it ends with NUL.
        buffer.baseAddress.map(body) ?? body("")
    }
}

/// Resolves a path one component at a time. Each step is a descriptor, so nothing that is renamed or replaced meanwhile
/// changes where the walk stands; ".." within a link's target goes back over the descriptors that were passed.
private struct ComponentWalk {
    private static let maximumLinks = 40

    private let root: OpenDescriptor
    private let followsLinks: Bool
    private var passed: [OpenDescriptor] = []
    private var linksLeft = ComponentWalk.maximumLinks

    init(root: OpenDescriptor, followsLinks: Bool) {
        self.root = root
        self.followsLinks = followsLinks
    }

    private var current: OpenDescriptor { passed.last ?? root }

    mutating func open(_ path: [[UInt8]], _ flags: Int32, mode: mode_t) throws(SystemFailure) -> OpenDescriptor {
        var rest = Array(path.reversed())
        while let component = rest.popLast() {
            if component == [46] { continue }
            if component == [46, 46] {
                guard passed.popLast() != nil else { throw SystemFailure(EXDEV) }
                continue
            }
            let isLast = rest.isEmpty
            if isLast && flags & O_NOFOLLOW != 0 { return try openHere(component, flags, mode) }
            if let target = try linkTarget(component) {
                try follow(target, onto: &rest)
                continue
            }
            if isLast { return try openHere(component, flags | O_NOFOLLOW, mode) }
            passed.append(try openHere(component, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0))
        }
        return try openHere([46], flags & ~(O_CREAT | O_EXCL), 0)
    }

    private mutating func follow(_ target: [UInt8], onto rest: inout [[UInt8]]) throws(SystemFailure) {
        guard followsLinks, linksLeft > 0 else { throw SystemFailure(ELOOP) }
        guard target.first != UInt8(ascii: "/") else { throw SystemFailure(EXDEV) }
        linksLeft -= 1
        rest += target.split(separator: UInt8(ascii: "/")).map { Array($0) }.reversed()
    }

    private func openHere(_ name: [UInt8], _ flags: Int32, _ mode: mode_t) throws(SystemFailure) -> OpenDescriptor {
        let directory = current.number
        return OpenDescriptor(
            try uninterrupted { withPath(name) { openat(directory, $0, flags | O_CLOEXEC, mode) } })
    }

    private func linkTarget(_ name: [UInt8]) throws(SystemFailure) -> [UInt8]? {
        do throws(SystemFailure) { return try readLink(in: current, name) } catch {
            // EINVAL: it is no link. Whether it exists is found out by opening it.
            if error.code == EINVAL || error.code == ENOENT { return nil }
            throw error
        }
    }
}

/// The target of a symbolic link, as it stands there.
func readLink(in directory: OpenDescriptor, _ name: [UInt8]) throws(SystemFailure) -> [UInt8] {
    var target = [CChar](repeating: 0, count: 4096)
    let count = try uninterrupted {
        target.withUnsafeMutableBufferPointer { space in
            withPath(name) { name in
                space.baseAddress.map { readlinkat(directory.number, name, $0, space.count) } ?? -1
            }
        }
    }
    return target.prefix(count).map { UInt8(bitPattern: $0) }
}
