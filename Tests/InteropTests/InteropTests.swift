import Testing

/// The engine against other people's programs. One test at a time: what they need is processor time, and two cores that
/// are asked for by everybody make every one of them late. docs/interoperation.md says which peer proves what.
@Suite(.serialized) struct InteropTests {}
