// Keys, algorithm names and the values of sessions are part of this module's interface: `import SSH` is enough.

@_exported public import SSHCrypto
@_exported public import SSHKeys
@_exported public import SSHProtocol
