// What root's `copilot ssh-server` starts beside each session where the system has PAM: a program of its own, since it stays
// for as long as the session, and the copilot's would take seven times the memory.
#include <CProcess.h>

int main(int count, char **words) { return login_main(count - 1, words + 1); }
