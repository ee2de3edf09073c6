use proptest::prelude::*;

use super::*;

// Put together, so that no scanner of repositories takes these for the real thing.
fn made(parts: &[&str]) -> String {
    parts.concat()
}

#[test]
fn names_that_say_secret() {
    let names = [
        "PASSWORD",
        "DB_PASSWORD",
        "dbPassword",
        "db-password",
        "PGPASSWORD",
        "MYSQL_PWD",
        "SMTP_PASS",
        "PASSWORD2",
        "API_KEY",
        "apiKey",
        "APIKey",
        "STRIPE_SECRET",
        "SECRET_KEY",
        "JWT_SECRET",
        "AUTH_TOKEN",
        "token",
        "PRIVATE_KEY",
        "SSH_PRIVATE_KEY",
        "AWS_SECRET_ACCESS_KEY",
        "GOOGLE_CREDENTIALS",
        "ENCRYPTION_KEY",
        "PASSWORD_HASH",
        "KEY_PASSPHRASE",
        "SECRET_KEY_BASE",
        "OPENAI_APIKEY",
    ];
    for name in names {
        assert_eq!(suspect(name, "correct horse"), Some(Suspicion::Name), "{name}");
    }
}

#[test]
fn names_that_tell_about_a_secret_or_nothing_of_one() {
    let names = [
        "PASSWORD_MIN_LENGTH",
        "TOKEN_URL",
        "SECRET_NAME",
        "AWS_SECRET_NAME",
        "SECRET_ARN",
        "KEY_ID",
        "AWS_ACCESS_KEY_ID",
        "TOKEN_TTL_SECONDS",
        "TOKENIZER",
        "SECRETARY",
        "MAX_TOKENS",
        "KEYBOARD",
        "MONKEY",
        "SORT_KEY",
        "PARTITION_KEY",
        "PUBLIC_KEY",
        "NEXT_PUBLIC_API_KEY",
        "PWD",
        "OLDPWD",
        "COMPASS",
        "BYPASS",
        "PASSENGER_COUNT",
        "SECRETS_MANAGER",
        "USE_TOKEN",
        "REQUIRE_PASSWORD",
        "CSRF_TOKEN_HEADER",
        "tokenEndpoint",
        "PASSWORD_POLICY",
        "PORT",
        "DATABASE_NAME",
        "",
        "_",
        "TOKEN_EXPIRES",
        "API_KEY_PARAMETER",
    ];
    for name in names {
        assert_eq!(suspect(name, "correct horse"), None, "{name}");
    }
}

#[test]
fn values_whose_form_is_known() {
    let aws = made(&["AK", "IAZ7QWERTYUIOPASDF"]);
    let cases = [
        (aws.clone(), Suspicion::AwsKey),
        (format!("id={aws};"), Suspicion::AwsKey),
        (made(&["AS", "IAZ7QWERTYUIOPASDF"]), Suspicion::AwsKey),
        (made(&["-----BEGIN RSA PRIV", "ATE KEY-----\nMIIE\n"]), Suspicion::PrivateKey),
        (made(&["-----BEGIN PRIV", "ATE KEY-----\\nMIIE"]), Suspicion::PrivateKey),
        (made(&["LS0tLS1CRUdJTi", "BQUklWQVRFIEtFWS0tLS0t"]), Suspicion::PrivateKey),
        (made(&["gh", "p_", "0123456789abcdefghijABCDEFGHIJ012345"]), Suspicion::Token),
        (made(&["github_", "pat_", "0123456789abcdefghijAB_x"]), Suspicion::Token),
        (made(&["xo", "xb-", "123456789012-abcdefghijkl"]), Suspicion::Token),
        (made(&["sk_", "live_", "0123456789abcdefghij"]), Suspicion::Token),
        (made(&["eyJhbGciOiJIUzI1NiJ9.", "eyJzdWIiOiIxIn0.", "c2lnbmF0dXJlc2lnbmF0dXJl"]), Suspicion::Token),
        (made(&["https://hooks.slack.com/", "services/", "T000/B000/abcdefgh"]), Suspicion::Token),
        (made(&["postgres://app:", "hunter2@db.internal:5432/shop"]), Suspicion::Url),
        (made(&["redis://:", "hunter2@cache:6379"]), Suspicion::Url),
        (made(&["app:", "hunter2@tcp(db:3306)/shop"]), Suspicion::Url),
        (made(&["Server=db;User Id=app;Pass", "word=hunter2;"]), Suspicion::Url),
        (made(&["host=db user=app pass", "word=hunter2"]), Suspicion::Url),
    ];
    for (value, expected) in cases {
        assert_eq!(suspect("SETTING", &value), Some(expected), "{value}");
    }
}

#[test]
fn values_that_carry_nothing() {
    let values = [
        "",
        "   ",
        "changeme",
        "CHANGE_ME",
        "<your key>",
        "${DB_PASSWORD}",
        "{{resolve:secretsmanager:db:SecretString:pw}}",
        "xxxxxxxx",
        "********",
        "true",
        "false",
        "null",
        "your-api-key",
        "AKIAIOSFODNN7EXAMPLE",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf",
        "/run/secrets/db",
        "https://auth.example.com/token",
        "file:///etc/key",
    ];
    for value in values {
        assert_eq!(suspect("DB_PASSWORD", value), None, "{value:?}");
    }
}

#[test]
fn values_without_pattern() {
    let hex = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    for value in [
        hex,
        &hex[..32],
        "q7Xv2LpA9sKd3RtY8wZm",
        "wJalrXUtnFEMIK7MDENGbPxRfiCYzz8Kq1Lm2Np3",
        "Zm9vYmFyMTIzNDU2Nzg5MGFiY2RlZg==",
        "k3j9x0q2m7v4b8n1c6z5p0w2",
    ] {
        assert_eq!(suspect("SETTING", value), Some(Suspicion::Random), "{value}");
    }
}

#[test]
fn values_with_a_pattern_or_a_name_that_explains_them() {
    let hex = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    let cases = [
        ("GIT_COMMIT", &hex[..40]),
        ("IMAGE_SHA256", hex),
        ("ASSET_DIGEST", hex),
        ("USER_POOL_ID", "eu-west-1_AbCdEf123"),
        ("CLIENT_ID", "3n4b5urk1ft4fl3mg5e62d9ado"),
        ("SETTING", "123e4567-e89b-12d3-a456-426614174000"),
        ("SETTING", "arn:aws:iam::123456789012:role/Z7x9Q2w8E4r6T1y3U5i0"),
        ("SETTING", "https://abcd1234efgh5678.execute-api.eu-west-1.amazonaws.com"),
        ("BASE", "http://localhost:8080/v1"),
        ("SETTING", "shop-prod-db.cluster-c1abcdefghij.eu-west-1.rds.amazonaws.com"),
        ("SETTING", "MyVeryLongFunctionNameForProduction2024"),
        ("SETTING", "com.example.shop.configuration.ProductionProfile"),
        ("SETTING", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:v12"),
        ("SETTING", "production"),
        ("SETTING", "00000000000000000000000000000000"),
        ("SETTING", "12345678901234567890123456789012"),
        ("SETTING", "/shop/prod/settings/2024/list"),
        ("SETTING", "postgres://app@db.internal:5432/shop"),
        ("SETTING", "postgres://app:${PW}@db.internal/shop"),
        ("CERT", "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUI"),
        ("SETTING", "-----BEGIN PUBLIC KEY-----"),
        ("SETTING", "a,b,c"),
        ("SETTING", "id=AKIAIOSFODNN7EXAMPLE;"),
    ];
    for (name, value) in cases {
        assert_eq!(suspect(name, value), None, "{name}={value}");
    }
}

proptest! {
    /// No name and no value is too odd.
    #[test]
    fn it_never_panics(name in "\\PC{0,30}", value in any::<String>()) {
        let _ = suspect(&name, &value);
    }

    /// Whatever the quotes and blanks of a command are, it ends, and what is no secret stays.
    #[test]
    fn a_command_is_covered_to_its_end(text in "[ \"'=:$a\\\\-]{0,40}") {
        prop_assert_eq!(covered(&text), text.clone());
        let _ = covered_words([text.as_str(), text.as_str()]);
    }

    /// Around a known form there may stand anything that is no part of a token.
    #[test]
    fn a_token_is_found_inside_a_text(before in "[ \"':=]{0,8}", after in "[ \"',;]{0,8}") {
        let token = made(&["gh", "p_", "0123456789abcdefghijABCDEFGHIJ012345"]);
        prop_assert_eq!(suspect("SETTING", &format!("{before}{token}{after}")), Some(Suspicion::Token));
    }

    /// What is said of a value is one of six words: no part of it can be in them.
    #[test]
    fn nothing_of_the_value_comes_out(value in "[A-Za-z0-9]{12,60}") {
        let said = serde_json::to_string(&suspect("PASSWORD", &value)).unwrap();
        prop_assert!(!said.contains(&value));
    }
}
