import CFrontCalls

/// The words of the command line, as the bytes that they are.
struct Words {
    /// Without the program's own name.
    let list: [[UInt8]]

    init() {
        var list: [[UInt8]] = []
        if let words = front_words() {
            for index in 1..<max(Int(front_word_count()), 1) {
                guard let word = words[index] else { break }
                list.append(Self.bytes(of: word))
            }
        }
        self.list = list
    }

    /// NAME=VALUE each.
    static var environment: [[UInt8]] {
        guard var next = front_environment() else { return [] }
        var list: [[UInt8]] = []
        while let entry = next.pointee {
            list.append(bytes(of: entry))
            next += 1
        }
        return list
    }

    static func bytes(of text: UnsafePointer<CChar>) -> [UInt8] {
        let count = strlen(text)
        return UnsafeRawBufferPointer(start: text, count: count).map { $0 }
    }
}
