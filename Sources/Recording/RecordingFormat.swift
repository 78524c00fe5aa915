import Crypto
import Foundation

/// The numbers of the file format. `docs/recording-format.md` describes it.
enum RecordingFormat {
    static let magic: [UInt8] = [0x89] + Array("SSHREC\n".utf8)
    static let version: UInt16 = 1
    static let maximumMetadata = 64 << 10
    static let maximumWrappedKey = 4 << 10
    static let headerTag = 32

    static let chunkHeader = 52
    static let tag = 16
    /// A segment is closed at this many bytes of encoded events.
    static let chunkTarget = 64 << 10
    /// One output event; longer output is split.
    static let outputPiece = 32 << 10
    /// A longer text (chat, marker, name) is cut here.
    static let textLimit = 32 << 10
    static let maximumKeyframe = 4 << 20
    /// What a reader inflates at most for one chunk, whatever its header says.
    static let maximumRaw = 8 << 20
    /// zlib's own bound for that, and the tag.
    static let maximumSealed = maximumRaw + (maximumRaw >> 10) + 4096 + tag
    static let maximumChunks = 4_000_000
    /// A recording of so many chunks ends with a directory of its keyframes.
    static let directoryFrom = 256

    static let repairMagic = Array("SSHRECUT".utf8)
    static let repairMark = 8 + 8 + 8 + 32 + 32
}

/// The keys of one recording, all derived from its data key: nothing is sealed and authenticated with the same one.
struct RecordingKeys: Sendable {
    let chunks: SymmetricKey
    let header: SymmetricKey
    let repair: SymmetricKey

    init(_ dataKey: SymmetricKey, recordingID: String) {
        func derive(_ purpose: String) -> SymmetricKey {
            HKDF<SHA256>.deriveKey(
                inputKeyMaterial: dataKey, salt: Array(recordingID.utf8),
                info: Array("ssh copilot recording v1 \(purpose)".utf8), outputByteCount: 32)
        }
        chunks = derive("chunks")
        header = derive("header")
        repair = derive("repair")
    }
}

struct ChunkFlags: OptionSet, Sendable, Hashable {
    let rawValue: UInt8
    static let keyframe = ChunkFlags(rawValue: 1)
    static let final = ChunkFlags(rawValue: 2)
    static let all: ChunkFlags = [.keyframe, .final]
}

/// What stands in clear before each sealed chunk, all of it bound by the seal.
struct ChunkHeader: Sendable, Hashable {
    let sealedLength: Int
    let rawLength: Int
    let flags: ChunkFlags
    let index: UInt64
    let previousHash: [UInt8]

    init(sealedLength: Int, rawLength: Int, flags: ChunkFlags, index: UInt64, previousHash: [UInt8]) {
        self.sealedLength = sealedLength
        self.rawLength = rawLength
        self.flags = flags
        self.index = index
        self.previousHash = previousHash
    }

    /// `nil` when no writer can have written this.
    init?(_ bytes: [UInt8]) {
        var cursor = ByteCursor(bytes)
        do {
            let sealed = Int(try cursor.bigEndian(UInt32.self))
            let raw = Int(try cursor.bigEndian(UInt32.self))
            let flags = ChunkFlags(rawValue: try cursor.byte())
            let padding = try cursor.take(3)
            let index = try cursor.bigEndian(UInt64.self)
            let previous = try cursor.take(32)
            guard padding == [0, 0, 0], flags.isSubset(of: .all) else { return nil }
            guard sealed > RecordingFormat.tag, sealed <= RecordingFormat.maximumSealed else { return nil }
            guard raw > 0, raw <= RecordingFormat.maximumRaw else { return nil }
            self.init(sealedLength: sealed, rawLength: raw, flags: flags, index: index, previousHash: previous)
        } catch {
            return nil
        }
    }

    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(RecordingFormat.chunkHeader + sealedLength)
        bytes.append(bigEndian: UInt32(truncatingIfNeeded: sealedLength))
        bytes.append(bigEndian: UInt32(truncatingIfNeeded: rawLength))
        bytes.append(flags.rawValue)
        bytes.append(contentsOf: [0, 0, 0])
        bytes.append(bigEndian: index)
        bytes.append(contentsOf: previousHash)
        return bytes
    }
}

/// Seals and opens chunks.
///
/// The nonce is the chunk's index. It can never repeat under one key, because a chunk that was sealed once is only ever
/// written again byte for byte, and a file is never continued after its writer is gone.
struct ChunkSeal: Sendable {
    let recordingID: String
    let key: SymmetricKey

    private func nonce(_ index: UInt64) throws -> AES.GCM.Nonce {
        var bytes: [UInt8] = [0, 0, 0, 0]
        bytes.append(bigEndian: index)
        return try AES.GCM.Nonce(data: bytes)
    }

    private func associatedData(_ header: [UInt8]) -> [UInt8] {
        var data = Array("ssh copilot recording chunk v1".utf8)
        data.append(counted: recordingID)
        data.append(contentsOf: header)
        return data
    }

    /// The whole chunk: header, ciphertext, tag.
    func seal(_ compressed: [UInt8], header: ChunkHeader) throws(RecordingError) -> [UInt8] {
        var chunk = header.bytes
        do {
            let box = try AES.GCM.seal(
                compressed, using: key, nonce: try nonce(header.index), authenticating: associatedData(chunk))
            chunk.append(contentsOf: box.ciphertext)
            chunk.append(contentsOf: box.tag)
            return chunk
        } catch {
            throw .internalFailure("A chunk of the recording could not be encrypted")
        }
    }

    /// The compressed events, or `nil` when the seal does not fit.
    func open(_ sealed: ArraySlice<UInt8>, header: ChunkHeader) -> [UInt8]? {
        do {
            let box = try AES.GCM.SealedBox(
                nonce: try nonce(header.index), ciphertext: sealed.dropLast(RecordingFormat.tag),
                tag: sealed.suffix(RecordingFormat.tag))
            return Array(try AES.GCM.open(box, using: key, authenticating: associatedData(header.bytes)))
        } catch {
            return nil
        }
    }
}
