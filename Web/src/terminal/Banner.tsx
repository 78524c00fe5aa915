import type { ReactNode } from "react";
import { Icon, type IconName } from "../ui/Icon";

/** One line above the terminal: what is the matter, and what can be done about it. */
export function Banner({ tone, icon, title, children, actions, testid }: {
    tone: "info" | "warning" | "bad";
    icon: IconName;
    title: string;
    children?: ReactNode;
    actions?: ReactNode;
    testid: string;
}) {
    return (
        <div className={`banner ${tone}`} data-testid={testid}>
            <Icon name={icon} />
            <div className="banner-text">
                <strong>{title}</strong>
                {children && <span>{children}</span>}
            </div>
            {actions && <div className="banner-actions">{actions}</div>}
        </div>
    );
}
