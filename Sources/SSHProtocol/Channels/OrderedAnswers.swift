// Answers leave in the order of their questions, in whatever order they are found: RFC 4254 §4 and §5.4 give them no name.

import NIOCore

struct OrderedAnswers<Answer> {
    private struct Entry {
        var token: RequestToken
        var answer: Answer?
    }

    private var entries = CircularBuffer<Entry>()
    /// Questions that nobody has answered yet.
    private(set) var unanswered = 0

    /// A question of the peer that the owner will answer.
    mutating func ask(_ token: RequestToken) {
        entries.append(Entry(token: token, answer: nil))
        unanswered += 1
    }

    /// A question that is answered already, and waits for its turn.
    mutating func ask(_ token: RequestToken, answer: Answer) { entries.append(Entry(token: token, answer: answer)) }

    /// - Returns: Whether the question was still open.
    mutating func answer(_ token: RequestToken, _ answer: Answer) -> Bool {
        // Tokens only ever grow, so the entries are sorted.
        var low = entries.startIndex
        var high = entries.endIndex
        while low < high {
            let middle = entries.index(low, offsetBy: entries.distance(from: low, to: high) / 2)
            if entries[middle].token.number < token.number {
                low = entries.index(after: middle)
            } else {
                high = middle
            }
        }
        guard low < entries.endIndex, entries[low].token == token, entries[low].answer == nil else { return false }
        entries[low].answer = answer
        unanswered -= 1
        return true
    }

    /// The next answer whose turn has come.
    mutating func next() -> Answer? {
        guard let answer = entries.first?.answer else { return nil }
        entries.removeFirst()
        return answer
    }
}
