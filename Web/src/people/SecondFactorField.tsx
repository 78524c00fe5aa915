import { Field } from "../ui/controls";

interface Props {
    value: string;
    change: (code: string) => void;
    error?: string | null;
    /** Whether it is what is typed next: at a sign-in, once the password is known to be right. */
    autoFocus?: boolean;
    testId?: string;
}

/** Where a code of an authenticator app, or a recovery code, is typed. */
export function SecondFactorField({ value, change, error, autoFocus = true, testId = "sign-in-code" }: Props) {
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
            autoFocus={autoFocus}
            value={value}
            onChange={(event) => change(event.target.value)}
            hint="Six digits of your authenticator app, or a recovery code"
            error={error}
            data-testid={testId}
        />
    );
}
