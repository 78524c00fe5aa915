export const MINIMUM_LENGTH = 12;

/** Length is what counts; the server has the last word. */
export function passwordProblem(password: string, username: string): string | null {
    if (password.length < MINIMUM_LENGTH) return `At least ${MINIMUM_LENGTH} characters: a few words do well.`;
    if (username && password.toLowerCase().includes(username.toLowerCase())) {
        return "It must not contain the user name.";
    }
    if (new Set(password).size < 5) return "It repeats too few characters.";
    return null;
}
