/// Answers to the host.
extension Screen {
    /// Keeps an answer for `takeResponses()`, whole or not at all.
    mutating func respond(_ answer: String) {
        if responses.count + answer.utf8.count <= Screen.responseLimit { responses.append(contentsOf: answer.utf8) }
    }

    /// The cursor's row and column from 1, the row from the top of the region in origin mode.
    var reportedPosition: String {
        "\(position.row - (modes.origin ? grid.top : 0) + 1);\(position.column + 1)"
    }

    mutating func reportStatus(_ question: Int) {
        switch question {
        case 5: respond("\u{1B}[0n")
        case 6: respond("\u{1B}[\(reportedPosition)R")
        default: break
        }
    }

    /// DECRQM.
    mutating func reportMode(isPrivate: Bool) {
        let mode = parser.parameters[0]
        respond("\u{1B}[\(isPrivate ? "?" : "")\(mode);\(state(ofMode: mode, isPrivate: isPrivate))$y")
    }
}
