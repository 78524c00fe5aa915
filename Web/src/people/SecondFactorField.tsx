import { Field } from "../ui/controls";

/** Where somebody with a second factor types its code, once the password is known to be right. */
export function SecondFactorField({ value, change }: { value: string; change: (code: string) => void }) {
    return (
        <Field
            label="Code"
            name="code"
            autoComplete="one-time-code"
            autoCapitalize="off"
            autoCorrect="off"
            spellCheck={false}
            maxLength={40}
            required
            autoFocus
            value={value}
            onChange={(event) => change(event.target.value)}
            hint="Six digits of your authenticator app, or a recovery code"
            data-testid="sign-in-code"
        />
    );
}
