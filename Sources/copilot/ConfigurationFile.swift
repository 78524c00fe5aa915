import Foundation
import Gateway
import Yams

/// A `config.yaml`: a mapping of keys to scalars or sequences of scalars.
struct ConfigurationFile {
    let path: String

    /// The file named by a flag or by `COPILOT_CONFIG`, else the default one where it exists.
    static func find(
        named flag: String?, environment: [String: String], _ surroundings: Configuration.Surroundings
    ) throws(ConfigurationError) -> ConfigurationFile? {
        if let path = flag ?? environment["COPILOT_CONFIG"], !path.isEmpty { return ConfigurationFile(path: path) }
        let path = Configuration.defaultFile(surroundings)
        return FileManager.default.fileExists(atPath: path) ? ConfigurationFile(path: path) : nil
    }

    func layer() throws(ConfigurationError) -> ConfigurationLayer {
        try ConfigurationLayer(file: path, entries: try entries())
    }

    /// Keys and values as they stand there, for whoever has keys of its own.
    func entries() throws(ConfigurationError) -> [(key: String, values: [String])] {
        guard let data = FileManager.default.contents(atPath: path), let text = String(data: data, encoding: .utf8)
        else {
            throw ConfigurationError(
                file: path, "cannot be read, or is not UTF-8 text",
                hint: "Check its path and that this account may read it.")
        }
        return try entries(of: text)
    }

    private func entries(of text: String) throws(ConfigurationError) -> [(key: String, values: [String])] {
        let root: Node?
        do { root = try Yams.compose(yaml: text) } catch {
            throw ConfigurationError(
                file: path, "is not valid YAML: \(Self.firstLine(of: "\(error)"))",
                hint: "Compare it with config.yaml.example.")
        }
        guard let root, root.null == nil else { return [] }
        guard let mapping = root.mapping else {
            throw ConfigurationError(
                file: path, "is not a list of keys with values", hint: "Compare it with config.yaml.example.")
        }
        var entries: [(key: String, values: [String])] = []
        for (key, value) in mapping {
            guard let name = key.string else {
                throw ConfigurationError(
                    file: path, "has a key that is not text", hint: "Compare it with config.yaml.example.")
            }
            if value.null != nil { continue }
            if let text = value.scalar?.string {
                entries.append((name, [text]))
            } else if let sequence = value.sequence, sequence.allSatisfy({ $0.scalar != nil }) {
                entries.append((name, sequence.compactMap { $0.scalar?.string }))
            } else {
                throw ConfigurationError(
                    file: path, "has something at \(name) that is neither a value nor a list of values",
                    hint: "Compare it with config.yaml.example.")
            }
        }
        return entries
    }

    private static func firstLine(of text: String) -> String {
        text.split(separator: "\n").first.map(String.init) ?? text
    }
}
