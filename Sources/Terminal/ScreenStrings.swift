/// Operating system commands (OSC) and device control strings (DCS).
extension Screen {
    static let titleStackLimit = 10
    static let linkAddressLimit = 2048
    static let linkIdentifierLimit = 256

    mutating func operatingSystemCommand() {
        // The decoder took only whole scalars in, so that this is UTF-8.
        let text = String(decoding: parser.string.prefix(Parser.stringLimit), as: UTF8.self)
        let parts = text.split(separator: ";", maxSplits: 1, omittingEmptySubsequences: false)
        guard let number = parts.first.flatMap({ command(String($0)) }) else { return }
        let content = parts.count > 1 ? parts[1] : ""
        switch number {
        case 0, 2: setTitle(String(content))
        // What follows has no meaning when its end is missing.
        case _ where parser.stringIsTooLong: break
        case 4: indexedColors(content)
        case 7: emit(.workingDirectory(Screen.inert(content, limit: Parser.stringLimit)))
        case 8: openLink(content)
        case 10, 11, 12: specialColors(content, from: number)
        case 52: setClipboard(content)
        case 104: resetIndexedColors(content)
        case 110, 111, 112: palette.reset(number - 110 + Palette.Special.foreground.rawValue)
        case 133: emit(.shellMark(Screen.inert(content, limit: 256)))
        default: break
        }
    }

    private func command(_ digits: String) -> Int? {
        guard (1...4).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int(digits)
    }

    /// Takes out what could act on a reader: control characters, line separators and direction overrides.
    static func inert(_ text: some StringProtocol, limit: Int) -> String {
        var result = String.UnicodeScalarView()
        var count = 0
        for scalar in text.unicodeScalars where count < limit {
            switch scalar.value {
            case 0..<0x20, 0x7F..<0xA0, 0x2028...0x202E, 0x2066...0x2069: continue
            default:
                result.append(scalar)
                count += 1
            }
        }
        return String(result)
    }

    mutating func setTitle(_ text: String) {
        title = Screen.inert(text, limit: Screen.titleLimit)
        emit(.title(title))
    }

    mutating func emit(_ event: ScreenEvent) {
        if events.count >= Screen.eventLimit { events.removeFirst() }
        events.append(event)
    }

    /// OSC 8 ; parameters ; address. An empty address ends the link.
    private mutating func openLink(_ content: Substring) {
        style.link = 0
        let parts = content.split(separator: ";", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return }
        let address = Screen.inert(parts[1], limit: Screen.linkAddressLimit + 1)
        guard !address.isEmpty, address.unicodeScalars.count <= Screen.linkAddressLimit else { return }
        let identifier = parts[0].split(separator: ":").first { $0.hasPrefix("id=") }?.dropFirst(3) ?? ""
        let link = Hyperlink(
            identifier: Screen.inert(identifier, limit: Screen.linkIdentifierLimit), address: address)
        style.link = UInt16(truncatingIfNeeded: intern(link, in: \.links) ?? 0)
    }

    /// OSC 52 ; targets ; base64. A question is not answered and not passed on.
    private mutating func setClipboard(_ content: Substring) {
        let parts = content.split(separator: ";", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, parts[1] != "?" else { return }
        let isBase64 = parts[1].utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2B, 0x2F, 0x3D: true
            default: false
            }
        }
        guard isBase64 else { return }
        emit(.clipboard(selection: Screen.inert(parts[0], limit: 16), base64: String(parts[1])))
    }

    // MARK: Colours

    /// OSC 4 ; number ; colour or question mark ; …
    private mutating func indexedColors(_ content: Substring) {
        let parts = content.split(separator: ";", omittingEmptySubsequences: false)
        for index in stride(from: 0, to: parts.count - 1, by: 2) {
            guard let number = command(String(parts[index])), number <= 255 else { continue }
            setColor(number, parts[index + 1], question: "4;\(number)")
        }
    }

    /// OSC 10, 11, 12: each further part is for the next number.
    private mutating func specialColors(_ content: Substring, from first: Int) {
        for (offset, part) in content.split(separator: ";", omittingEmptySubsequences: false).enumerated() {
            let number = first + offset
            guard number <= 12 else { return }
            setColor(number - 10 + Palette.Special.foreground.rawValue, part, question: "\(number)")
        }
    }

    private mutating func setColor(_ number: Int, _ specification: Substring, question: String) {
        if specification == "?" {
            respond("\u{1B}]\(question);\(palette[number].specification)\u{1B}\\")
        } else if let color = Palette.RGB(specification: specification) {
            palette[number] = color
        }
    }

    private mutating func resetIndexedColors(_ content: Substring) {
        guard !content.isEmpty else {
            palette.resetIndexed()
            return
        }
        for part in content.split(separator: ";") {
            if let number = command(String(part)), number <= 255 { palette.reset(number) }
        }
    }

    // MARK: Device control strings

    mutating func deviceControl() {
        // DECRQSS is the only one.
        guard parser.device == (0, 0x24, 0x71) else { return }
        guard let setting = setting(String(decoding: parser.string.prefix(4), as: UTF8.self)) else {
            respond("\u{1B}P0$r\u{1B}\\")
            return
        }
        respond("\u{1B}P1$r\(setting)\u{1B}\\")
    }

    private func setting(_ name: String) -> String? {
        switch name {
        case "m": (["0"] + style.renditionParameters).joined(separator: ";") + "m"
        case "r": "\(grid.top + 1);\(grid.bottom + 1)r"
        case " q": "\(modes.cursorShape) q"
        case "\"q": "\(style.attributes.contains(.protected) ? 1 : 0)\"q"
        case "\"p": "62;1\"p"
        default: nil
        }
    }
}
