/// Which mouse events the program wants (modes 9, 1000, 1002, 1003).
public enum MouseTracking: Int, Sendable {
    case off = 0
    case press = 9
    case pressAndRelease = 1000
    case drag = 1002
    case motion = 1003
}

/// How mouse events are written (modes 1005, 1006, 1015, 1016).
public enum MouseEncoding: Int, Sendable {
    case legacy = 0
    case utf8 = 1005
    case sgr = 1006
    case urxvt = 1015
    case sgrPixels = 1016
}

/// The modes that SM, RM, DECSET and DECRST switch.
struct Modes: Hashable, Sendable {
    var insert = false  // 4
    var lineFeedNewLine = false  // 20
    var applicationCursorKeys = false  // ?1
    var reverseVideo = false  // ?5
    var origin = false  // ?6
    var autowrap = true  // ?7
    var cursorBlink = false  // ?12
    var cursorVisible = true  // ?25
    var reverseWraparound = false  // ?45
    var applicationKeypad = false  // ?66, ESC = and ESC >
    var mouseTracking = MouseTracking.off
    var mouseEncoding = MouseEncoding.legacy
    var focusReporting = false  // ?1004
    var bracketedPaste = false  // ?2004
    var synchronizedOutput = false  // ?2026
    /// DECSCUSR, 0…6; 0 is the terminal's own shape.
    var cursorShape = 0

    /// The private modes that are one flag each.
    static func privateFlag(_ mode: Int) -> WritableKeyPath<Modes, Bool>? {
        switch mode {
        case 1: \.applicationCursorKeys
        case 5: \.reverseVideo
        case 6: \.origin
        case 7: \.autowrap
        case 12: \.cursorBlink
        case 25: \.cursorVisible
        case 45: \.reverseWraparound
        case 66: \.applicationKeypad
        case 1004: \.focusReporting
        case 2004: \.bracketedPaste
        case 2026: \.synchronizedOutput
        default: nil
        }
    }

    static func ansiFlag(_ mode: Int) -> WritableKeyPath<Modes, Bool>? {
        switch mode {
        case 4: \.insert
        case 20: \.lineFeedNewLine
        default: nil
        }
    }
}
