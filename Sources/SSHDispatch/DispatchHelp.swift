extension DispatchCommand {
    /// What `--help` prints.
    static let help = """
        OVERVIEW: Tell sshd whose key was offered and what its owner reaches.

        USAGE: copilot-dispatch USER HOME TYPE KEY (--keys FILE | --socket PATH)
                                [options]
               copilot-dispatch run [options]

        The first form is sshd's AuthorizedKeysCommand: it prints one line of
        authorized_keys, which forces the second form, or nothing. The second form
        reads SSH_ORIGINAL_COMMAND, takes it apart as a shell would, and becomes the
        program of the application, with COPILOT_USER and COPILOT_KEY in its
        environment.

        OPTIONS OF THE FIRST FORM:
          --keys FILE          People's keys, a line for each: NAME TYPE BASE64
                               [comment]. Only root, or the account that this runs
                               as, may write it.
          --socket PATH        Ask a running copilot (copilot serve
                               --dispatch-socket PATH).
          --unknown-keys WHAT  refuse (default), or greet: let them in as far as a
                               text that says what to do.
          --identity-by WAY    command (default), or environment: COPILOT_USER and
                               COPILOT_KEY as environment options; sshd needs
                               PermitUserEnvironment COPILOT_*.
          --login-shell        Force no command, since the account's login shell is
                               the application.
          --app NAME=PROGRAM   An application; repeatable. One of the account's name
                               takes the whole command, else the command's first
                               word chooses.
          --applications FILE  More of them, a line for each: NAME PROGRAM [words
                               that it always gets].

        EXAMPLE
          In sshd_config (the second line is one with the third):
            Match User builds
              AuthorizedKeysCommand /usr/bin/copilot-dispatch %u %h %t %k
                --keys /etc/copilot/keys --app builds=/opt/builds
              AuthorizedKeysCommandUser nobody
          Then: ssh builds@host tail 17

        EXIT STATUS
          0   done; nothing printed: the key is not known
          64  wrong use, of this command or of the application
          75  it cannot be done now: a lookup or a program failed
          77  refused
          78  what was configured cannot be used

        """
}
