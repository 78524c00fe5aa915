import CLocalCalls
public import SSH
public import SSHProtocol

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The terminal that a descriptor leads to: its size, its settings as a host wants to know them, and its raw mode.
public struct LocalTerminal: Sendable {
    public let descriptor: Int32

    /// nil when the descriptor leads to none.
    public init?(_ descriptor: Int32) {
        guard isatty(descriptor) == 1 else { return nil }
        self.descriptor = descriptor
    }

    /// In characters; nil when the terminal does not know.
    public var size: (columns: Int, rows: Int)? {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else { return nil }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    /// Its settings, for a terminal on a host to begin with (RFC 4254 §8).
    public var modes: TerminalModes {
        var settings = termios()
        guard tcgetattr(descriptor, &settings) == 0 else { return .hostDefaults }
        return TerminalModes(settings)
    }

    /// What to ask a host for.
    public func terminal(type: String) -> SSHTerminal {
        let size = size ?? (80, 24)
        return SSHTerminal(type: type, columns: size.columns, rows: size.rows, modes: modes)
    }

    /// Hands every key to the program: no echo, no lines, no signals. The settings come back with `restore`, and by
    /// whatever ends the process.
    @discardableResult
    public func makeRaw() -> Bool {
        var settings = termios()
        guard tcgetattr(descriptor, &settings) == 0 else { return false }
        settings.c_iflag |= tcflag_t(IGNPAR)
        settings.c_iflag &= ~tcflag_t(ISTRIP | INLCR | IGNCR | ICRNL | IXON | IXANY | IXOFF)
        #if canImport(Glibc)
        settings.c_iflag &= ~tcflag_t(IUCLC)
        #endif
        settings.c_lflag &= ~tcflag_t(ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHONL | IEXTEN)
        settings.c_oflag &= ~tcflag_t(OPOST)
        withUnsafeMutableBytes(of: &settings.c_cc) { characters in
            characters[Int(VMIN)] = 1
            characters[Int(VTIME)] = 0
        }
        return terminal_guard_begin(descriptor, &settings) == 0
    }

    public func restore() { terminal_guard_end() }

    /// Raw again, after somebody else had the terminal while this process was stopped.
    public func makeRawAgain() { terminal_guard_again() }
}

extension TerminalModes {
    /// The settings of a terminal of this machine, by the opcodes of RFC 4254 §8.
    init(_ settings: termios) {
        var values: [(opcode: UInt8, argument: UInt32)] = [
            (Opcode.outputSpeed, Self.bits(cfgetospeed([settings]))),
            (Opcode.inputSpeed, Self.bits(cfgetispeed([settings]))),
        ]
        withUnsafeBytes(of: settings.c_cc) { characters in
            for (opcode, index) in Self.characters where Int(index) < characters.count {
                let value = characters[Int(index)]
                // A character that is off is 255 on the wire, whatever it is here.
                values.append((opcode, value == Self.disabled ? 255 : UInt32(value)))
            }
        }
        for (opcode, flag) in Self.inputFlags { values.append((opcode, settings.c_iflag & flag == 0 ? 0 : 1)) }
        for (opcode, flag) in Self.localFlags { values.append((opcode, settings.c_lflag & flag == 0 ? 0 : 1)) }
        for (opcode, flag) in Self.outputFlags { values.append((opcode, settings.c_oflag & flag == 0 ? 0 : 1)) }
        let size = settings.c_cflag & tcflag_t(CSIZE)
        values += [
            (Opcode.sevenBits, size == tcflag_t(CS7) ? 1 : 0), (Opcode.eightBits, size == tcflag_t(CS8) ? 1 : 0),
            (92, settings.c_cflag & tcflag_t(PARENB) == 0 ? 0 : 1),
            (93, settings.c_cflag & tcflag_t(PARODD) == 0 ? 0 : 1),
        ]
        self.init(values)
    }

    /// _POSIX_VDISABLE
    #if canImport(Glibc)
    private static let disabled: UInt8 = 0
    #else
    private static let disabled: UInt8 = 255
    #endif

    private static let characters: [(UInt8, Int32)] = {
        var list: [(UInt8, Int32)] = [
            (1, VINTR), (2, VQUIT), (3, VERASE), (4, VKILL), (5, VEOF), (6, VEOL), (7, VEOL2), (8, VSTART), (9, VSTOP),
            (10, VSUSP), (12, VREPRINT), (13, VWERASE), (14, VLNEXT), (18, VDISCARD),
        ]
        #if canImport(Glibc)
        list.append((16, VSWTC))
        #else
        list += [(11, VDSUSP), (17, VSTATUS)]
        #endif
        return list
    }()

    private static let inputFlags: [(UInt8, tcflag_t)] = {
        var list: [(UInt8, tcflag_t)] = [
            (30, tcflag_t(IGNPAR)), (31, tcflag_t(PARMRK)), (32, tcflag_t(INPCK)), (33, tcflag_t(ISTRIP)),
            (34, tcflag_t(INLCR)), (35, tcflag_t(IGNCR)), (36, tcflag_t(ICRNL)), (38, tcflag_t(IXON)),
            (39, tcflag_t(IXANY)), (40, tcflag_t(IXOFF)), (41, tcflag_t(IMAXBEL)), (42, tcflag_t(IUTF8)),
        ]
        #if canImport(Glibc)
        list.append((37, tcflag_t(IUCLC)))
        #endif
        return list
    }()

    private static let localFlags: [(UInt8, tcflag_t)] = {
        var list: [(UInt8, tcflag_t)] = [
            (50, tcflag_t(ISIG)), (51, tcflag_t(ICANON)), (53, tcflag_t(ECHO)), (54, tcflag_t(ECHOE)),
            (55, tcflag_t(ECHOK)), (56, tcflag_t(ECHONL)), (57, tcflag_t(NOFLSH)), (58, tcflag_t(TOSTOP)),
            (59, tcflag_t(IEXTEN)), (60, tcflag_t(ECHOCTL)), (61, tcflag_t(ECHOKE)), (62, tcflag_t(PENDIN)),
        ]
        #if canImport(Glibc)
        list.append((52, tcflag_t(XCASE)))
        #endif
        return list
    }()

    private static let outputFlags: [(UInt8, tcflag_t)] = {
        var list: [(UInt8, tcflag_t)] = [
            (70, tcflag_t(OPOST)), (72, tcflag_t(ONLCR)), (73, tcflag_t(OCRNL)), (74, tcflag_t(ONOCR)),
            (75, tcflag_t(ONLRET)),
        ]
        #if canImport(Glibc)
        list.append((71, tcflag_t(OLCUC)))
        #endif
        return list
    }()

    /// A speed's constant in bits per second.
    private static func bits(_ speed: speed_t) -> UInt32 {
        #if canImport(Glibc)
        let known: [(Int32, UInt32)] = [
            (B50, 50), (B75, 75), (B110, 110), (B134, 134), (B150, 150), (B200, 200), (B300, 300), (B600, 600),
            (B1200, 1200), (B1800, 1800), (B2400, 2400), (B4800, 4800), (B9600, 9600), (B19200, 19200),
            (B38400, 38400), (B57600, 57600), (B115200, 115200), (B230400, 230400),
        ]
        return known.first { speed_t($0.0) == speed }?.1 ?? 9600
        #else
        return UInt32(clamping: speed)
        #endif
    }
}
