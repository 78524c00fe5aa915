import Testing

@testable import ShellGrammar

/// What may pass as read-only, and what must not.
struct ReadOnlyTests {
    @Test(
        "looking around is read-only",
        arguments: [
            "ls", "ls -la /srv 'a b' \"$HOME\"", "cat /etc/hosts | grep -v '^#' | sort -u | head -20",
            "cd /srv/app && git status",
            "git log --oneline -20 | cat", "git --no-pager diff HEAD~1 -- src", "git branch --show-current",
            "git remote -v",
            "df -h; free -m; uptime", "ps aux | grep '[n]ginx' | awk '{print $2}'",
            "awk -F: '$3 > 1000 {print $1}' /etc/passwd",
            "find /var/log -name '*.log' -mtime -1 -size +10M", "find . -type f -exec grep -l main {} +",
            "find . -name x -exec cat {} \\;",
            "sed -n '1,20p' file", "sed -e 's/a/b/g' -e '/x/d' file", "sed 's|/usr|/opt|;s,a,b,2p' file",
            "tail -n 50 -f /var/log/syslog",
            "systemctl status nginx --no-pager", "systemctl --no-pager list-units --failed",
            "journalctl -u nginx -n 50 --no-pager",
            "journalctl -u nginx --since '1 hour ago' | tail", "docker ps -a", "docker logs --tail 50 web",
            "kubectl get pods -n prod -o wide",
            "kubectl logs deploy/web --tail=20", "ip addr", "ip -br a show eth0", "ss -tlnp",
            "du -sh /var/* 2>/dev/null | sort -h",
            "echo $(hostname -f) `date +%F`", "for f in a b c; do echo \"$f\"; done",
            "if [ -f /etc/os-release ]; then cat /etc/os-release; fi",
            "case $(uname) in Linux) echo l;; *) echo other;; esac", "x=1; echo $x", "LC_ALL=C sort file", "env",
            "env LANG=C ls",
            "timeout 5 cat f", "nice -n 19 du -s .", "xargs -0 ls -l < list", "xargs -I{} echo {} < list",
            "cat <<'EOF'\n$(rm x)\nEOF",
            "cat <<EOF\nhello $USER $(date)\nEOF", "diff <(sort a) <(sort b)", "command -v python3",
            "sh -c 'ls | wc -l'", "bash -c \"uptime\"",
            "busybox ls -l", "python3 --version", "nvidia-smi --query-gpu=memory.used --format=csv", "tar -tzf a.tgz",
            "tar tvf a.tar",
            "date -u +%s", "which -a git", "echo a 2>&1", "(cd /tmp && pwd)", "{ ls; pwd; }", "! grep -q x f",
            "test -d /srv || echo none",
            "printf '%s\\n' a b", "dd if=/dev/zero bs=1 count=1", "dpkg -l | grep nginx", "apt list --installed",
            "top -b -n 1 | head",
            "stat -c %a f # a comment", "ls \\\n  -l", "/usr/bin/ls", "'ls' -l", "l\\s", "eval 'ls -l'", "crontab -l",
            "true", "", "  # nothing",
            "echo $((1 + 2 * 3))", "echo ${x:-none} ${#x} ${x%.*}", "while read -r line; do echo \"$line\"; done < f",
            "time ls", "lsof -i :80 -n",
            "jq '.a | .b' f.json", "df | awk '/Filesystem/ {print $1}'", "sed -n '/^[[:alpha:]]*$/p' f",
            "sed 's/[^a-z]//g' f", "git tag -l 'v*'",
            "git symbolic-ref HEAD", "jobs -l", "wait", "grep -rn 'a|b' --include='*.py' .", "rg -n foo src",
            "sysctl -n vm.swappiness",
            "mount | grep ext4", "set -eu; ls",
        ])
    func reads(line: String) {
        let found = ShellGrammar.classify(line, in: .noTerminal)
        #expect(found.isReadOnly, "\(found.reasons.map(\.text))")
    }

    @Test(
        "programs that can do more than read are not read-only when they do",
        arguments: [
            // find, sort, git, rg, sed, awk, tar, dd, xargs, env, busybox, …
            "find . -delete", "find . -exec rm {} +", "find . -exec sh -c 'x' \\;", "find . -execdir ./x \\;",
            "find . -ok rm {} \\;",
            "find . -fprint out", "find . -fls out", "find . -fprintf out %p", "find . -exec {} \\;", "find * -name x",
            "find $DIR -name x",
            "find . -{name,delete}", "find . $'-\\x64elete'", "find . \"$X\"", "find . -exec ls",
            "find . -files0-from x", "find . -name \"$@\"",
            "sort -o out in", "sort -uo out in", "sort --output=out in", "sort --outp out in",
            "sort --compress-program=sh x", "sort --comp sh x",
            "sort -T /tmp x", "sort -k $X -t -oout f", "sort -k -oout f", "sort *",
            "uniq in out", "xxd -r a b", "tree -o out", "tee out", "ls | tee out", "tee -a out < in",
            "git -c core.pager=sh log", "git -c alias.x='!sh' x", "git --exec-path=. status", "git -p log",
            "git --paginate status", "git difftool",
            "git log --output=x", "git log -M --output=x", "git log --outpu=x", "git log --ext-diff",
            "git diff --no-index -O x --output=y a b",
            "git grep -Osh x", "git x", "git branch new", "git branch -D x", "git tag v1", "git remote add a b",
            "git config a.b c", "git checkout .",
            "git clean -fd", "git push", "git pull", "git stash", "git cat-file --textconv x", "git --git-dir=x status",
            "git submodule status",
            "git blame --contents x f", "git -C $(pwd) status; git $x", "git show --textconv",
            "rg --pre sh x", "rg --hostname-bin x y", "rg --search-zip x", "sed -i s/a/b/ f", "sed -n -i.bak p f",
            "sed --in-place p f", "sed -ni p f",
            "sed 'w out' f", "sed '1w out' f", "sed 's/a/b/w out' f", "sed 's/a/b/e' f", "sed '1e id' f", "sed e f",
            "sed -f s f", "sed 's/a/b/;w x' f",
            "sed -e p -e 'w x' f", "sed 's,a,b,gw x' f", "sed '/x/{p;w y\n}' f", "sed \"$S\" f", "sed -s 'W x' f",
            "sed 's/[/]/w x' f", "sed -E 'y/a/b/;e id' f",
            "sed --expression='w x' f", "sed -nf s f", "sed '$!N;s/a/b/e' f", "sed 'a\\\nx' f",
            "awk 'BEGIN{system(\"id\")}'", "awk '{print > \"x\"}'", "awk '{print | \"sh\"}'",
            "awk '{\"id\" | getline}'", "awk -f x", "awk '{print >> \"x\"}' f",
            "awk '@load \"filefuncs\"'", "gawk -i inplace '{print}' f", "awk \"$P\"", "mawk -W exec x",
            "awk 'BEGIN{print (1) > \"x\"}'", "awk '/\"/{print > $1}'",
            "awk -e 'BEGIN{}' x", "awk 'BEGIN { printf(\"a\") > \"x\" }'", "awk '{print}#\"\n{print > \"x\"}'",
            "tar --to-command=sh -xf a", "tar -cf a b", "tar -tf a --checkpoint=1 --checkpoint-action=exec=sh",
            "tar -I sh -tf a", "tar xf a", "tar -tf host:a",
            "tar -tf a --use-compress-program=sh", "tar --list -F x -f a",
            "dd if=a of=b", "dd of=/dev/sda", "xargs rm", "ls | xargs -I{} {} x", "ls | xargs -I% sh -c %",
            "xargs find", "ls | xargs", "xargs -I{} find {} -name x",
            "env rm x", "env -S 'rm x'", "env PATH=/tmp ls", "env -u X sudo id", "env $X ls", "env -i sh",
            "busybox rm x", "busybox sh", "busybox vi", "toybox rm x",
            "nohup rm x", "timeout 5 rm x", "timeout $X ls", "nice rm x", "stdbuf -oL rm x", "setsid rm x", "time rm x",
            "watch rm x", "flock f ls", "ionice -c3 rm x",
            "python -c 'print(1)'", "python3 x.py", "perl -e 1", "ruby -e 1", "node -e 1", "php -r 1", "lua -e 1", "sh",
            "bash x.sh", "bash -c \"$X\"", "sh -c 'rm x'",
            "sh -ic ls", "bash --rcfile x -c ls", "sh -c 'ls; `rm x`'", "bash <<< 'rm x'", "sh <<EOF\nrm x\nEOF",
            "curl -o x http://a", "curl http://a", "wget http://a",
            "curl file:///etc/shadow", "rsync -e sh a b:", "ssh -o ProxyCommand=sh h", "scp a b:", "nc -l 1",
            "socat - exec:sh", "journalctl --vacuum-time=1s",
            "journalctl --cursor-file=x", "journalctl --rotate", "systemctl restart x", "systemctl -H h status",
            "systemctl edit x", "systemctl reboot", "systemctl",
            "date -s now", "date 01011200", "hostname x", "dmesg -C", "dmesg -c", "dmesg -n 1", "rpm -V x",
            "lastlog -C -u x", "git symbolic-ref -d refs/x", "git symbolic-ref HEAD x",
            "git branch -l new", "git branch -v x", "git tag -d v1", "git tag -l -d v1", "git branch -f a b",
            "git cat-file -p --textconv x",
            "sed 's/[]/x/;#]/y/w out'", "sed 's/[[:x:]/x/;#]/y/w out'", "sed 's/[^]/x/;#]/y/w out'",
            "ip link set eth0 down",
            "ip netns exec x sh", "ip -batch f", "ip a add 1.2.3.4 dev e",
            "ss -K", "mount /dev/sda /mnt", "crontab -e", "crontab f", "crontab -r", "sysctl -w a=b", "sysctl a=b",
            "docker exec c ls", "docker run x", "docker rm x",
            "docker compose up", "docker -H x ps", "kubectl exec p -- ls", "kubectl delete pod x",
            "kubectl get secret x", "kubectl get -o json secrets/x",
            "kubectl --kubeconfig=x get pods", "helm install x", "nvidia-smi -r", "nvidia-smi -f out", "top", "less f",
            "man ls", "vi f", "view f", "more f", "info ls",
            "base64 -o x", "file -C -m x", "xxd a b", "apt install x", "pip install x", "npm i", "make", "lsof -D b",
            "blkid -w x", "zcat -x", "rpm -E '%(id)'", "rpm -e x",
        ])
    func programs(line: String) {
        let exceptions = ["ls | xargs", "systemctl", "git -C $(pwd) status; git $x"]
        guard !exceptions.contains(line) else { return }
        #expect(!ShellGrammar.classify(line, in: .noTerminal).isReadOnly)
    }

    @Test(
        "what the shell itself does is seen",
        arguments: [
            "ls > x", "ls >> x", "ls >| x", "ls &> x", "ls >& x", "ls <> x", "> x", ">x ls", "ls 2>x", "{ ls; } > x",
            "(ls) > x", "for i in 1; do ls; done > x",
            "cat < /dev/tcp/h/80", "exec 3<>/dev/tcp/h/80", "echo x > /dev/udp/h/1", "cat < $X",
            "cat < $(echo /dev/tcp/h/1)", "ls > $X", "ls {x}> f",
            "ls $(touch x)", "ls `touch x`", "ls \"$(touch x)\"", "ls \"`touch x`\"", "ls \"a${b:-$(touch x)}\"",
            "ls ${b:-`touch x`}", "ls <(touch x)", "ls >(tee x)",
            "cat <<EOF\n$(touch x)\nEOF", "cat <<EOF\n`touch x`\nEOF", "cat <<-EOF\n\t$(touch x)\n\tEOF",
            "cat <<EOF\n${a:-$(touch x)}\nEOF", "cat <<< $(touch x)",
            "x=$(touch y)", "x=$(touch y) ls", "x=(a $(touch y))", "[ $(touch x) ]", "case $(touch x) in *) ;; esac",
            "case a in $(touch x)) ;; esac", "for i in $(touch x); do :; done",
            "ls; rm x", "ls & rm x", "ls && rm x", "ls || rm x", "ls | rm x", "ls |& rm x", "ls\nrm x", "ls\r\nrm x",
            "(rm x)", "{ rm x; }", "! rm x", "if rm x; then :; fi",
            "if :; then rm x; fi", "if :; then :; elif rm x; then :; fi", "if :; then :; else rm x; fi",
            "while rm x; do :; done", "until rm x; do :; done", "while :; do rm x; done",
            "case x in a) rm x;; esac", "case x in a) :;; (b|c) rm x; esac", "$X", "\"$X\" a", "$(echo rm) x",
            "`echo rm` x", "${X:-rm} x", "r\\m x", "'r'm x", "r\"m\" x", "\\rm x",
            "$'rm' x", "$'\\x72m' x", "$\"rm\" x", "/bin/r? x", "/bin/[r]m x", "{rm,x}", "r{m,} x", "~/x", "./ls",
            "/tmp/ls", "../ls", "a/ls", "/usr/bin/../../tmp/ls",
            "IFS=/; ls", "X=rm; $X x", "PATH=/tmp ls", "PATH=/tmp; ls", "PATH+=:/tmp", "LD_PRELOAD=x ls",
            "LD_PRELOAD=x", "BASH_ENV=x bash -c ls", "ENV=x sh -c ls", "PAGER=sh git log",
            "GIT_PAGER=sh git log", "GIT_EXTERNAL_DIFF=sh git diff", "LESSOPEN='|sh' less x", "PROMPT_COMMAND=rm",
            "PS4='$(rm x)'; set -x", "for PATH in /tmp; do ls; done", "read PATH < x",
            "printf -v PATH /tmp", ": ${PATH:=/tmp}", ": ${PATH=/tmp}", "export PATH=/tmp", "export $X=1",
            "export a=$b", "readonly IFS=x", "unset PATH", "read $X", "unset -f ls",
            "http_proxy=x curl y", "path=(/tmp); ls", "declare PATH=/tmp", "typeset -n x=PATH", "local PATH=x",
            "env http_proxy=x ls", "getopts a PATH",
            "eval rm x", "eval \"$X\"", "eval 'ls; rm x'", "eval \"ls\" '; rm' x", ". x", "source x", "alias ls=rm",
            "alias ls='rm x'; ls", "ls() { rm x; }; ls", "ls() ( rm x )",
            "function ls { rm x; }", "command rm x", "builtin eval rm", "exec rm x", "exec -a ls rm x",
            "trap 'rm x' EXIT", "coproc rm x", "enable -f x y", "bind -x '\"a\":rm'", "compgen -C rm",
            "mapfile -C rm x", "hash -p /tmp/x ls", "shopt -s expand_aliases", "set -o allexport", "set -a", "set -x",
            "let 'a[$(touch x)]=1'", "((a[$(touch x)]))", "(( x ))", "((rm x))",
            "echo $((a[$(touch x)]))", "echo $((x))", "echo $[1]", "x='a[$(touch y)]'; echo $((x))", "a[$(touch x)]=1",
            "a[x]=1", "x=([$(touch y)]=1)", "[[ -v a[$(touch x)] ]]", "test -v 'a[$(touch x)]'",
            "[ -v x ]", "[[ 'a[$(touch x)]' -eq 1 ]]", "x='a[$(touch y)]'; [ $x -eq 1 ]", "[[ $x -eq 1 ]]",
            "[[ a || rm x ]]", "[[ a > b ]]", "[ a ] > b", "[ a",
            "printf -v 'a[$(touch x)]' y", "printf %d 'a[$(touch x)]'", "read 'a[$(touch x)]'", "unset 'a[$(touch x)]'",
            "export 'a[$(touch x)]=1'", "exit 'a[$(touch x)]'", "shift $x",
            "echo ${x@P}", "echo ${!x}", "echo ${!x*}", "echo ${a[$(touch x)]}", "echo ${a[0]}", "echo ${x:1}",
            "echo ${x:$(touch y)}", "echo ${ touch x;}", "echo ${| touch x;}",
            "select x in a; do rm x; done", "time -o x ls", "coproc ls", "jobs -x rm x", "wait -p 'a[$(touch x)]'",
            "wait $x", "cat <<EOF", "ls 'a", "ls \"a", "ls `a",
            "ls $(a", "ls ${a", "ls (a)", "ls )", "ls ; ; ls", "| ls", "if ls; fi", "ls <", "ls >",
            "echo $'a\\'; rm x; echo \\''", "echo \"${x:-'}'; rm x; '\"", "l\\\ns x", "ec\\\nho $\\\n(rm x)",
            "echo \"$\\\n(rm x)\"", "ls &\\\n& rm x",
            "cat <<E$X\nE", "cat <<EOF\na\\\nEOF\nrm x\nEOF", "cat <<EOF $(\nrm x\nEOF\n)", "ls \0 x",
            "case a in a) ls;& b) ls;; esac",
        ])
    func shell(line: String) {
        #expect(!ShellGrammar.classify(line, in: .noTerminal).isReadOnly)
    }

    @Test(
        "a pager is interactive where there is a terminal, and is not started where there is none",
        arguments: [
            "git log", "git diff", "git branch -a", "systemctl status x", "journalctl -u x", "loginctl",
            "git stash list",
        ])
    func pagers(line: String) {
        #expect(ShellGrammar.classify(line).effects.contains(.interactive))
        #expect(ShellGrammar.classify(line, in: .noTerminal).isReadOnly)
        #expect(ShellGrammar.classify(line + " | cat").isReadOnly)
        #expect(ShellGrammar.classify("echo \"$(" + line + ")\"").isReadOnly)
    }

    @Test(
        "at a prompt, keys, history and other shells' quoting make a line unknown",
        arguments: [
            "!!", "!rm", "echo hi!", "ls\u{3}", "ls\t", "ls \u{1B}[A", "^a^b", "echo 'a\\' 'b; rm x #'",
            "echo \"a\\\"; rm x; \"", "echo a # $(rm x)", "=rm x", "cat <<EOF\na\nEOF", "ls\u{7F}", "%1",
        ])
    func typed(line: String) {
        #expect(ShellGrammar.classify(line, in: .typed).effects.contains(.unknown))
        #expect(ShellGrammar.classify("ls -l 'a b'", in: .typed).isReadOnly)
    }
}
