/// SGR (ECMA-48 §8.3.117, ISO 8613-6 for 38 and 48, underline styles and colours as kitty and VTE have them).
extension Screen {
    mutating func selectGraphicRendition() {
        let parameters = parser.parameters
        guard parameters.count > 0 else {
            style.reset()
            return
        }
        var index = 0
        while index < parameters.count {
            var end = index + 1
            while parameters.isSub(end) { end += 1 }
            switch parameters[index] {
            case 38: (style.foreground, index) = color(at: index, end: end, else: style.foreground)
            case 48: (style.background, index) = color(at: index, end: end, else: style.background)
            case 58: (style.underlineColor, index) = color(at: index, end: end, else: style.underlineColor)
            case 4 where end > index + 1:
                style.underline = Underline(rawValue: UInt16(min(parameters[index + 1], 7))) ?? .single
                index = end
            case let code:
                if !setColor(code) { setAttribute(code) }
                index = end
            }
        }
    }

    /// Reads `5:n`, `2:r:g:b`, `2:space:r:g:b` or the same with semicolons (then without the colour space). Returns the
    /// index behind it; a colour out of range changes nothing.
    private func color(at index: Int, end: Int, else former: Color) -> (Color, Int) {
        let parameters = parser.parameters
        let isColon = end > index + 1
        let kind = parameters[index + 1]
        switch kind {
        case 5:
            let next = isColon ? end : index + 3
            let number = parameters[index + 2]
            return (number <= 255 ? .indexed(UInt8(number)) : former, next)
        case 2:
            let first = isColon && end - index > 5 ? index + 3 : index + 2
            let next = isColon ? end : index + 5
            let parts = (0..<3).map { parameters[first + $0] }
            guard parts.allSatisfy({ $0 <= 255 }), !isColon || end - first >= 3 else { return (former, next) }
            return (.rgb(UInt8(parts[0]), UInt8(parts[1]), UInt8(parts[2])), next)
        default: return (former, isColon ? end : index + 2)
        }
    }

    private mutating func setColor(_ code: Int) -> Bool {
        switch code {
        case 30...37: style.foreground = .indexed(UInt8(code - 30))
        case 39: style.foreground = .default
        case 40...47: style.background = .indexed(UInt8(code - 40))
        case 49: style.background = .default
        case 59: style.underlineColor = .default
        case 90...97: style.foreground = .indexed(UInt8(code - 90 + 8))
        case 100...107: style.background = .indexed(UInt8(code - 100 + 8))
        default: return false
        }
        return true
    }

    private mutating func setAttribute(_ code: Int) {
        switch code {
        case 0: style.reset()
        case 1: style.attributes.insert(.bold)
        case 2: style.attributes.insert(.faint)
        case 3: style.attributes.insert(.italic)
        case 4: style.underline = .single
        case 5, 6: style.attributes.insert(.blink)
        case 7: style.attributes.insert(.inverse)
        case 8: style.attributes.insert(.invisible)
        case 9: style.attributes.insert(.strikethrough)
        case 21: style.underline = .double
        case 22: style.attributes.subtract([.bold, .faint])
        case 23: style.attributes.remove(.italic)
        case 24: style.underline = .none
        case 25: style.attributes.remove(.blink)
        case 27: style.attributes.remove(.inverse)
        case 28: style.attributes.remove(.invisible)
        case 29: style.attributes.remove(.strikethrough)
        case 53: style.attributes.insert(.overline)
        case 55: style.attributes.remove(.overline)
        default: break
        }
    }
}

extension Style {
    /// The parameters of the SGR that gives this style after `SGR 0`; empty for the plain style.
    var renditionParameters: [String] {
        var list: [String] = []
        let flags: [(Attributes, String)] = [
            (.bold, "1"), (.faint, "2"), (.italic, "3"), (.blink, "5"), (.inverse, "7"), (.invisible, "8"),
            (.strikethrough, "9"), (.overline, "53"),
        ]
        for (flag, code) in flags where attributes.contains(flag) { list.append(code) }
        switch underline {
        case .none: break
        case .single: list.append("4")
        case let other: list.append("4:\(other.rawValue)")
        }
        list += Style.parameters(of: foreground, named: 30, bright: 90, extended: 38)
        list += Style.parameters(of: background, named: 40, bright: 100, extended: 48)
        switch underlineColor.kind {
        case .default: break
        case .indexed(let number): list.append("58:5:\(number)")
        case .rgb(let red, let green, let blue): list.append("58:2::\(red):\(green):\(blue)")
        }
        return list
    }

    private static func parameters(of color: Color, named: Int, bright: Int, extended: Int) -> [String] {
        switch color.kind {
        case .default: []
        case .indexed(let number) where number < 8: ["\(named + Int(number))"]
        case .indexed(let number) where number < 16: ["\(bright + Int(number) - 8)"]
        case .indexed(let number): ["\(extended)", "5", "\(number)"]
        case .rgb(let red, let green, let blue): ["\(extended)", "2", "\(red)", "\(green)", "\(blue)"]
        }
    }
}
