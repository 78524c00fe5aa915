import Foundation

/// Hosts as a table (RFC 4180): the first row names the columns, in any order.
enum CSVList {
    private static let columns: [String: String] = [
        "alias": "alias", "name": "alias", "host": "alias", "hostname": "address", "address": "address",
        "ip": "address", "port": "port", "user": "username", "username": "username", "login": "username",
        "environment": "environment", "env": "environment", "purpose": "purpose", "description": "purpose",
        "tags": "tags", "tag": "tags", "groups": "tags",
    ]

    static func read(_ text: String) throws(GatewayError) -> ImportList {
        var rows = Rows(text)
        guard let header = try rows.next() else {
            throw .importFailed("The table is empty.", hint: "Its first row names the columns: alias,address,username.")
        }
        let names = header.fields.map { columns[$0.trimmingCharacters(in: .whitespaces).lowercased()] }
        guard names.contains("alias"), names.contains("address") else {
            throw .importFailed(
                "The first row of the table does not name the columns alias and address.",
                hint: "For example: alias,address,port,username,environment,purpose,tags")
        }
        var list = ImportList()
        while let row = try rows.next() {
            guard row.fields.contains(where: { !$0.isEmpty }) else { continue }
            var values: [String: String] = [:]
            for (name, field) in zip(names, row.fields) {
                if let name { values[name] = field.trimmingCharacters(in: .whitespaces) }
            }
            let place = "line \(row.line)"
            // A spreadsheet would calculate it, whoever opens a list that is exported again.
            if let formula = values.values.first(where: isFormula) {
                list.skip(values["alias"] ?? "", place, "“\(formula.prefix(20))” would be a formula in a spreadsheet.")
                continue
            }
            guard let host = host(values, place) else {
                list.skip(values["alias"] ?? "", place, "Its port is not a number.")
                continue
            }
            try list.add(host)
        }
        return list
    }

    private static func host(_ values: [String: String], _ place: String) -> ImportedHost? {
        var port: Int?
        if let text = values["port"], !text.isEmpty {
            guard let number = Int(text) else { return nil }
            port = number
        }
        let tags = (values["tags"] ?? "").split { " ;|,".contains($0) }.map(String.init)
        let environment = values["environment"] ?? ""
        return ImportedHost(
            alias: values["alias"] ?? "", address: values["address"] ?? "", port: port,
            username: values["username"].flatMap { $0.isEmpty ? nil : $0 },
            environment: HostEnvironment(word: environment) ?? HostEnvironment(rawValue: environment.lowercased()),
            purpose: values["purpose"].flatMap { $0.isEmpty ? nil : $0 }, tags: tags, place: place)
    }

    private static func isFormula(_ field: String) -> Bool {
        field.first.map { "=+-@\t\r".contains($0) } ?? false
    }

    /// The rows, one after another.
    private struct Rows {
        private static let mostFields = 64

        private let bytes: [UInt8]
        private let separator: UInt8
        private var index = 0
        private var line = 1

        init(_ text: String) {
            let text = text.hasPrefix("\u{FEFF}") ? String(text.dropFirst()) : text
            bytes = Array(text.utf8)
            let head = text.prefix { !$0.isNewline }
            // Where the decimal point is a comma, spreadsheets write semicolons.
            separator = !head.contains(",") && head.contains(";") ? UInt8(ascii: ";") : UInt8(ascii: ",")
        }

        mutating func next() throws(GatewayError) -> (fields: [String], line: Int)? {
            guard index < bytes.count else { return nil }
            let start = line
            var fields: [String] = []
            while true {
                let (field, isLast) = try field()
                guard fields.count < Self.mostFields else {
                    throw .importFailed("Line \(start) has more than \(Self.mostFields) fields.", hint: "Correct it.")
                }
                fields.append(field)
                if isLast { return (fields, start) }
            }
        }

        private mutating func field() throws(GatewayError) -> (String, isLast: Bool) {
            var content: [UInt8] = []
            var isQuoted = false
            if index < bytes.count, bytes[index] == UInt8(ascii: "\"") {
                isQuoted = true
                index += 1
            }
            while index < bytes.count {
                let byte = bytes[index]
                index += 1
                if byte == UInt8(ascii: "\n") { line += 1 }
                if isQuoted {
                    guard byte == UInt8(ascii: "\"") else {
                        content.append(byte)
                        continue
                    }
                    if index < bytes.count, bytes[index] == byte {
                        content.append(byte)
                        index += 1
                    } else {
                        isQuoted = false
                    }
                    continue
                }
                if byte == separator { return (String(decoding: content, as: UTF8.self), false) }
                if byte == UInt8(ascii: "\n") { return (String(decoding: content, as: UTF8.self), true) }
                if byte != UInt8(ascii: "\r") { content.append(byte) }
            }
            guard !isQuoted else {
                throw .importFailed("The table ends within quotation marks.", hint: "Close them.")
            }
            return (String(decoding: content, as: UTF8.self), true)
        }
    }
}
