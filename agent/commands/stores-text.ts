import { definitions, paragraph } from "#agent/render/definitions.ts";
import { wrapText } from "#agent/render/wrap-text.ts";

/** What `holdfast help stores` prints: how a store is named, every parameter, quoting, and where credentials come from. */
export function storesText(columns: number): string {
  return [
    paragraph("A store is named with `holdfast at STORE COMMAND …`, or by the variable HOLDFAST_STORE.", columns),
    `A directory\n${definitions(
      [
        ["/var/backups", "a path of this machine, absolute or relative; the file system must have hard links"],
        ["file:///var/backups", "the same as a URL; odd bytes are written as %20"],
      ],
      columns,
    )}`,
    `A bucket\n  s3://BUCKET[/PREFIX][?PARAMETER=VALUE&…]\n\n${definitions(
      [
        ["endpoint", "URL of a server other than AWS, such as https://minio.example:9000"],
        [
          "region",
          "the region of the bucket; without it us-east-1 where an endpoint is given, else AWS_REGION or that of the profile",
        ],
        [
          "path-style",
          "1 puts the bucket into the path of requests, 0 into the host name; with an endpoint 1 is usual",
        ],
        ["storage-class", "class of new packs, such as STANDARD_IA; without it the bucket's default"],
        ["profile", "the profile of ~/.aws/config and ~/.aws/credentials to use"],
      ],
      columns,
    )}`,
    paragraph(
      "Quote locations with `?` or `&`: shells read them as patterns and as the end of a command. PREFIX consists of letters, digits and . _ - in parts joined by /.",
      columns,
    ),
    `    holdfast at 's3://backups/fleet?endpoint=https://minio.example:9000&region=eu-1' create`,
    `Credentials\n${indented(
      "They are never part of a location. They are looked for as the AWS tools do: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN; the profile of the location or of AWS_PROFILE, with `credential_process` and single sign-on; a web identity token; then the role of the container or of the machine.",
      columns,
    )}`,
    paragraph(
      "A bucket must create objects only if they are absent, atomically (If-None-Match: *). `holdfast at STORE doctor` tries it.",
      columns,
    ),
  ].join("\n\n");
}

function indented(text: string, columns: number): string {
  return wrapText(text, columns, 2).join("\n");
}
