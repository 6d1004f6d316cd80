//! Organisations, by the import that any operator would use.

use entity::SiteRole::SiteAdmin;
use serde_json::json;

use super::{Fill, at};
use crate::demo::{
    content::{INTEGRATED_CARE_BOARDS, NATIONAL, SiteContent},
    error::{Error, Result},
    stage::Mutation,
};

const IMPORT: Mutation = Mutation::new("organisationsImport", "OrganisationsImportInput", "imported");

impl Fill<'_> {
    /// The organisations of a site; at the national one also the integrated care boards.
    pub(super) async fn organisations(&self, content: &SiteContent) -> Result<()> {
        let site = &content.site.slug;
        if site == NATIONAL {
            self.import(site, INTEGRATED_CARE_BOARDS, Some("ICB")).await?;
        }
        if !content.organisations.is_empty() {
            self.import(site, &file(content)?, None).await?;
        }
        self.progress.inc(1);
        Ok(())
    }

    async fn import(&self, site: &str, csv: &str, role: Option<&str>) -> Result<()> {
        let item = format!("{site}/organisations");
        let input = json!({ "site": site, "csv": csv, "defaultRole": role });
        self.does(&at(site, SiteAdmin), IMPORT, &item, input).await?;
        Ok(())
    }
}

/// The organisations of a site's content as a file to import.
fn file(content: &SiteContent) -> Result<String> {
    let mut rows = csv::Writer::from_writer(Vec::new());
    rows.write_record(["ods_code", "name", "role"])
        .map_err(Error::internal)?;
    for organisation in &content.organisations {
        let row = [&organisation.ods_code, &organisation.name, &organisation.role];
        rows.write_record(row).map_err(Error::internal)?;
    }
    let rows = rows.into_inner().map_err(|error| Error::internal(error.to_string()))?;
    String::from_utf8(rows).map_err(Error::internal)
}
