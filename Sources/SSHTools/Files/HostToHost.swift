// From one host to another by way of this machine, without touching its disk.

import NIOCore
import SFTP

extension FileCopy {
    func pass(
        _ host: CopyHost, _ text: String, to other: CopyHost, _ place: String, isOneOfMany: Bool
    ) async throws {
        guard !options.usesOldProtocol else {
            throw Failure(
                "Between two hosts the old protocol is not spoken.",
                hint: "Leave out -O, or copy to this machine and from here.", status: .foundWrong)
        }
        let (source, target) = (try await hosts.files(of: host), try await hosts.files(of: other))
        let found = try await meant(by: text, on: source)
        var hasFailed = false
        for path in found {
            do {
                let name = try await Self.ownName(of: path, on: source)
                let goal = try await self.target(
                    place, on: target, isOneOfMany: isOneOfMany || found.count > 1, name: name)
                let isTree = try await source.attributes(of: path).kind == .directory
                guard !isTree || options.isRecursive else { throw SFTPError.needsRecursion(path.description) }
                let wanted = options
                try await transfer(path.description, isTree: isTree) { display throws(SFTPError) in
                    let copy = HostToHost(from: source, to: target, options: wanted) { display.update($0) }
                    return try await copy.run(path, to: goal)
                }
            } catch {
                guard found.count > 1, !(error is CancellationError) else { throw error }
                hasFailed = true
                guard let error = error as? SFTPError else { continue }
                if !error.isAboutOneFile { throw error }
                tell(error)
            }
        }
        if hasFailed { throw ReportedFailures() }
    }
}

/// Copies a file or a tree from one session to another.
///
/// A file is read ahead of what is written, and written from its beginning on in stretches: when it is interrupted, what
/// the target holds is a beginning of the source but for its last stretch, which a resumed copy writes anew.
actor HostToHost {
    /// Bytes of a stretch; two of them are in memory for each file.
    static let stretch = 4 << 20
    private static let piece = 256 * 1024
    /// Small files at work at once.
    private static let filesInFlight = 8
    private static let maximumDepth = 64

    private let source: SFTPClient
    private let target: SFTPClient
    private let options: FileCopyOptions
    private let report: @Sendable (TransferProgress) -> Void
    private var progress = TransferProgress()
    private var underWay: [RemotePath: TransferredFile] = [:]
    private var summary = TransferSummary()
    private var lastReport = ContinuousClock.now
    private var due = ContinuousClock.now

    init(
        from source: SFTPClient, to target: SFTPClient, options: FileCopyOptions,
        report: @escaping @Sendable (TransferProgress) -> Void
    ) {
        (self.source, self.target, self.options, self.report) = (source, target, options, report)
    }

    func run(_ path: RemotePath, to goal: RemotePath) async throws(SFTPError) -> TransferSummary {
        do throws(SFTPError) {
            let attributes = try await source.attributes(of: path)
            if attributes.kind == .directory {
                try await copyTree(path, attributes, to: goal, depth: 0)
            } else {
                found(attributes)
                try await copyFile(path, attributes, to: goal)
            }
        } catch {
            progress.partial = underWay.values.filter { $0.bytes > 0 }
            tell(isLast: true)
            throw error
        }
        tell(isLast: true)
        return summary
    }

    // MARK: Trees

    private func copyTree(
        _ path: RemotePath, _ attributes: FileAttributes, to goal: RemotePath, depth: Int
    ) async throws(SFTPError) {
        guard depth < Self.maximumDepth else {
            throw SFTPError(
                .failure, "“\(path)” lies deeper than \(Self.maximumDepth) directories.",
                hint: "Copy a part of the tree.", path: path.description)
        }
        try await makeFolder(goal, attributes)
        var folders: [(RemotePath, FileAttributes, RemotePath)] = []
        var files: [(RemotePath, FileAttributes, RemotePath)] = []
        var seen: Set<RemotePath> = []
        for entry in try await source.list(path).all() {
            // The name is the host's own: it must be one, and come once.
            let from = try path.appending(entry.name)
            let to = try goal.appending(entry.name)
            guard seen.insert(entry.name).inserted else { continue }
            var facts = entry.attributes
            if facts.kind == .symbolicLink, let followed = try? await source.attributes(of: from),
                followed.kind == .regular
            {
                facts = followed
            }
            switch facts.kind {
            case .directory: folders.append((from, facts, to))
            case .regular:
                found(facts)
                files.append((from, facts, to))
            default: skip(from)
            }
        }
        try await copyFiles(files)
        for (from, facts, to) in folders {
            try await guarding { () throws(SFTPError) in
                try await self.copyTree(from, facts, to: to, depth: depth + 1)
            }
        }
        summary.directories += 1
        if options.preserves {
            var last = FileAttributes(permissions: attributes.safeMode, times: attributes.times)
            last.size = nil
            try await target.setAttributes(last, of: goal)
        }
    }

    private func makeFolder(_ goal: RemotePath, _ attributes: FileAttributes) async throws(SFTPError) {
        do throws(SFTPError) {
            try await target.makeDirectory(goal, permissions: attributes.safeMode.map { $0 | 0o700 })
        } catch {
            guard error.status != nil, let there = try? await target.attributes(of: goal), there.kind == .directory
            else { throw error }
        }
    }

    /// Several at once, so that no file waits for another's round trips.
    private func copyFiles(_ files: [(RemotePath, FileAttributes, RemotePath)]) async throws(SFTPError) {
        var next = files[...]
        let failure: SFTPError? = await withTaskGroup(of: SFTPError?.self) { group in
            var fatal: SFTPError?
            for _ in 0..<Self.filesInFlight {
                guard let file = next.popFirst() else { break }
                group.addTask { await self.attempt(file) }
            }
            while let failed = await group.next() {
                if let failed { fatal = fatal ?? failed }
                guard fatal == nil, let file = next.popFirst() else { continue }
                group.addTask { await self.attempt(file) }
            }
            return fatal
        }
        if let failure { throw failure }
    }

    /// - Returns: What ends everything.
    private func attempt(_ file: (RemotePath, FileAttributes, RemotePath)) async -> SFTPError? {
        do throws(SFTPError) {
            try await guarding { () throws(SFTPError) in try await self.copyFile(file.0, file.1, to: file.2) }
            return nil
        } catch { return error }
    }

    /// One that fails does not keep the others from being copied.
    private func guarding(_ body: () async throws(SFTPError) -> Void) async throws(SFTPError) {
        do throws(SFTPError) { try await body() } catch {
            guard error.isAboutOneFile, summary.failures.count < 1000 else { throw error }
            summary.failures.append(error)
        }
    }

    // MARK: Files

    private func copyFile(
        _ path: RemotePath, _ attributes: FileAttributes, to goal: RemotePath
    ) async throws(SFTPError) {
        guard attributes.kind == .regular || attributes.kind == nil else { return skip(path) }
        let size = attributes.size ?? 0
        let reading = try await source.open(path)
        let flags: OpenFlags = options.resumes ? [.read, .write, .create] : [.write, .create, .truncate]
        let writing = try await target.open(goal, flags, permissions: attributes.safeMode.map { $0 | 0o600 })
        underWay[path] = TransferredFile(
            source: path.description, target: goal.description, bytes: 0, size: size)
        var position: UInt64 = 0
        if options.resumes { position = try await kept(reading, writing, path: goal, size: size) }
        moved(position, of: path, isKept: true)
        try await copyContents(path, reading, writing, from: position, size: size)
        if options.preserves {
            try await writing.setAttributes(FileAttributes(permissions: attributes.safeMode, times: attributes.times))
        }
        try await writing.close()
        try? await reading.close()
        finished(path)
    }

    /// Reads the next stretch while the one before it is written.
    private func copyContents(
        _ path: RemotePath, _ reading: SFTPFile, _ writing: SFTPFile, from start: UInt64, size: UInt64
    ) async throws(SFTPError) {
        var position = start
        let length = stretchLength
        var ahead = Task { await Self.read(reading, at: start, length: length, size: size) }
        defer { ahead.cancel() }
        while position < size {
            let current = ahead
            let outcome = await withTaskCancellationHandler {
                await current.value
            } onCancel: {
                current.cancel()
            }
            let data = try outcome.get()
            guard data.readableBytes > 0 else {
                throw SFTPError(
                    .fileChanged, "“\(path)” became shorter while it was copied.",
                    hint: "Copy it again when nothing writes to it any more.", path: path.description)
            }
            let next = position + UInt64(data.readableBytes)
            ahead = Task { await Self.read(reading, at: next, length: length, size: size) }
            try await writing.write(data, at: position)
            position = next
            moved(UInt64(data.readableBytes), of: path, isKept: false)
            try await keepPace(data.readableBytes)
        }
    }

    private var stretchLength: Int {
        guard let rate = options.bytesPerSecond else { return Self.stretch }
        return max(1024, min(Self.stretch, rate / 4))
    }

    private func keepPace(_ bytes: Int) async throws(SFTPError) {
        if Task.isCancelled { throw .interrupted }
        guard let rate = options.bytesPerSecond else { return }
        due = max(due, ContinuousClock.now - .milliseconds(250)) + .seconds(Double(bytes) / Double(max(1, rate)))
        do { try await Task.sleep(until: due, clock: .continuous) } catch { throw .interrupted }
    }

    /// One stretch in several requests at once; what a host gives short is asked for again.
    private static func read(
        _ file: SFTPFile, at start: UInt64, length: Int, size: UInt64
    ) async -> Result<ByteBuffer, SFTPError> {
        let end = min(size, start + UInt64(length))
        guard start < end else { return .success(ByteBuffer()) }
        let count = Int((end - start + UInt64(piece) - 1) / UInt64(piece))
        return await withTaskGroup(of: (Int, Result<ByteBuffer, SFTPError>).self) { group in
            for number in 0..<count {
                let from = start + UInt64(number * piece)
                group.addTask { (number, await readPiece(file, from..<min(end, from + UInt64(piece)))) }
            }
            var pieces = [ByteBuffer](repeating: ByteBuffer(), count: count)
            for await (number, outcome) in group {
                switch outcome {
                case .success(let data): pieces[number] = data
                case .failure(let error): return .failure(error)
                }
            }
            var whole = ByteBuffer()
            for (number, var data) in pieces.enumerated() {
                let expected = min(end, start + UInt64((number + 1) * piece)) - (start + UInt64(number * piece))
                let isShort = data.readableBytes < Int(expected)
                whole.writeBuffer(&data)
                // What lies behind the end of a file that shrank is none of it.
                if isShort { break }
            }
            return .success(whole)
        }
    }

    private static func readPiece(_ file: SFTPFile, _ range: Range<UInt64>) async -> Result<ByteBuffer, SFTPError> {
        var whole = ByteBuffer()
        do throws(SFTPError) {
            while whole.readableBytes < range.count {
                let position = range.lowerBound + UInt64(whole.readableBytes)
                var data = try await file.read(at: position, length: Int(range.upperBound - position))
                if data.readableBytes == 0 { break }
                whole.writeBuffer(&data)
            }
            return .success(whole)
        } catch { return .failure(error) }
    }

    // MARK: Resuming

    /// How much of the target is kept: what agrees with the source, without the last stretch, which may have gaps.
    private func kept(
        _ reading: SFTPFile, _ writing: SFTPFile, path: RemotePath, size: UInt64
    ) async throws(SFTPError) -> UInt64 {
        let existing = try await writing.attributes().size ?? 0
        guard existing <= size else { throw .cannotResume(path, "it is longer than the source") }
        let certain = existing == size ? existing : existing - min(existing, UInt64(Self.stretch))
        for start in Self.samples(of: certain) {
            let range = start..<min(certain, start + UInt64(Self.piece))
            let (ours, theirs) = (await Self.readPiece(reading, range), await Self.readPiece(writing, range))
            guard try ours.get() == theirs.get() else {
                throw .cannotResume(path, "what is there differs from the source")
            }
        }
        return certain
    }

    /// Beginning, end and sixteen places between.
    static func samples(of length: UInt64) -> [UInt64] {
        guard length > 0 else { return [] }
        let piece = UInt64(piece)
        guard length > 18 * piece else { return Array(stride(from: 0, to: length, by: Int(piece))) }
        return (0...17).map { $0 * (length - piece) / 17 }
    }

    // MARK: Accounts

    private func found(_ attributes: FileAttributes) {
        progress.totalFiles += 1
        progress.totalBytes &+= attributes.size ?? 0
    }

    private func skip(_ path: RemotePath) {
        summary.skipped += 1
        if summary.skippedPaths.count < 1000 { summary.skippedPaths.append(path.description) }
    }

    private func moved(_ bytes: UInt64, of path: RemotePath, isKept: Bool) {
        progress.bytes &+= bytes
        underWay[path]?.bytes &+= bytes
        if isKept { summary.resumedBytes &+= bytes } else { summary.bytes &+= bytes }
        tell(isLast: false)
    }

    private func finished(_ path: RemotePath) {
        progress.files += 1
        summary.files += 1
        if let file = underWay.removeValue(forKey: path) { progress.finished.append(file) }
    }

    private func tell(isLast: Bool) {
        let now = ContinuousClock.now
        guard isLast || now - lastReport >= .milliseconds(100) else { return }
        lastReport = now
        progress.underWay = isLast ? [] : Array(underWay.values)
        report(progress)
        progress.finished.removeAll()
    }
}

extension SFTPError {
    fileprivate static let interrupted = SFTPError(
        .cancelled, "It was cancelled.", hint: "Begin again when you want it; see --resume.")

    fileprivate static func cannotResume(_ path: RemotePath, _ why: String) -> SFTPError {
        SFTPError(
            .resumeMismatch, "“\(path)” cannot be resumed: \(why).",
            hint: "Copy it anew without --resume, which replaces what is there.", path: path.description)
    }
}
