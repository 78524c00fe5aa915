import NIOCore

@testable import SSHCrypto

/// Bytes from hexadecimal digits; everything else between them is skipped.
func hex(_ text: String) -> [UInt8] {
    let digits = text.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

/// Lower-case hexadecimal digits.
func hexDigits(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

extension ByteBuffer {
    init(_ bytes: [UInt8]) { self.init(bytes: bytes) }
    var array: [UInt8] { Array(readableBytesView) }
}

/// The code of the error that `body` throws, nil if it throws none.
func code<Value>(_ body: () throws -> Value) -> SSHCryptoError.Code? {
    do {
        _ = try body()
        return nil
    } catch { return (error as? SSHCryptoError)?.code }
}
