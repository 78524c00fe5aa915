export const MINIMUM_LENGTH = 12;
const DIFFERENT = 5;

/** Length is what counts; the server has the last word. */
export function passwordProblem(password: string, username: string): string | null {
    if (password.length < MINIMUM_LENGTH) return `At least ${MINIMUM_LENGTH} characters: a few words do well.`;
    if (username && password.toLowerCase().includes(username.toLowerCase())) {
        return "Leave the user name out of it.";
    }
    if (new Set(password).size < DIFFERENT) return `Use at least ${DIFFERENT} different characters.`;
    return null;
}
