"""The environment of every lineage: the core's, and each plugin's."""

from importlib import import_module

from alembic import context

from crmkit.host import migrations
from crmkit.settings import load_settings

given = context.config.attributes
if "plugin" not in given:  # Plain alembic: the section of alembic.ini names the plugin.
    import_module("crmkit.app")
    section = context.config.config_ini_section
    given["plugin"] = migrations.CORE if section == "alembic" else section
    given["url"] = load_settings().database.url
    migrations.import_models(given["plugin"])

migrations.run(context)
