/// Modes: SM, RM, DECSET, DECRST and the switch between the screens.
extension Screen {
    mutating func setAnsiModes(_ isOn: Bool) {
        for index in 0..<parser.parameters.count {
            if let flag = Modes.ansiFlag(parser.parameters[index]) { modes[keyPath: flag] = isOn }
        }
    }

    mutating func setPrivateModes(_ isOn: Bool) {
        for index in 0..<parser.parameters.count { setPrivateMode(parser.parameters[index], isOn) }
    }

    private mutating func setPrivateMode(_ mode: Int, _ isOn: Bool) {
        switch mode {
        case 6:
            modes.origin = isOn
            moveTo(row: 0, column: 0)
        case 9, 1000, 1002, 1003: modes.mouseTracking = isOn ? MouseTracking(rawValue: mode) ?? .off : .off
        case 1005, 1006, 1015, 1016: modes.mouseEncoding = isOn ? MouseEncoding(rawValue: mode) ?? .legacy : .legacy
        case 47, 1047: switchScreen(toAlternate: isOn)
        case 1048: if isOn { saveCursor() } else { restoreCursor() }
        case 1049:
            if isOn { saveCursor() }
            switchScreen(toAlternate: isOn)
            if !isOn { restoreCursor() }
        default:
            if let flag = Modes.privateFlag(mode) { modes[keyPath: flag] = isOn }
        }
    }

    /// The cursor keeps its place. The alternate screen is empty at each entry.
    private mutating func switchScreen(toAlternate: Bool) {
        guard toAlternate != isAlternate else { return }
        if isAlternate { grid.fill(background: .default, columns: columns) }
        grid.restingRow = isAlternate ? 0 : position.row
        swap(&grid, &otherGrid)
        grid.restingRow = 0
        isAlternate = toAlternate
        if isAlternate { grid.fill(background: style.background, columns: columns) }
        position.pendingWrap = false
        keepInRegion()
    }

    /// What DECRQM answers: 1 set, 2 reset, 0 unknown.
    func state(ofMode mode: Int, isPrivate: Bool) -> Int {
        let isSet: Bool
        if let flag = isPrivate ? Modes.privateFlag(mode) : Modes.ansiFlag(mode) {
            isSet = modes[keyPath: flag]
        } else if isPrivate {
            switch mode {
            case 9, 1000, 1002, 1003: isSet = modes.mouseTracking.rawValue == mode
            case 1005, 1006, 1015, 1016: isSet = modes.mouseEncoding.rawValue == mode
            case 47, 1047, 1049: isSet = isAlternate
            default: return 0
            }
        } else {
            return 0
        }
        return isSet ? 1 : 2
    }
}
